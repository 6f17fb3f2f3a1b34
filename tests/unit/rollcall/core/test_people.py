import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.core.people import PersonKey, PersonType


def key(code: str, kind: PersonType = PersonType.STUDENT) -> PersonKey:
    return PersonKey(type=kind, code=code)


def test_codes_are_equal_but_for_case_and_trailing_blanks() -> None:
    assert key("ab1") == key("AB1  ")
    assert hash(key("ab1")) == hash(key("AB1  "))
    assert key("ab1") != key(" ab1")
    assert key("ab1") != key("ab1", PersonType.TEACHER)


def test_a_code_keeps_its_spelling() -> None:
    assert key("Ab1 ").code == "Ab1"


@pytest.mark.parametrize("code", ["", "   ", "12345678901", "a\nb", "a\x00"])
def test_a_code_that_no_table_can_hold_is_refused(code: str) -> None:
    with pytest.raises(InvalidRequest):
        key(code)


def test_ten_letters_of_any_alphabet_are_a_code() -> None:
    assert key("นักเรียน01").code == "นักเรียน01"
