"""One thing, several things."""

import pytest

from rollcall.core.counted import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 faces"), (1, "1 face"), (2, "2 faces"), (1000, "1000 faces")]
)
def test_one_is_no_plural(count: int, said: str) -> None:
    assert counted(count, "face") == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 entries are"), (1, "1 entry is"), (3, "3 entries are")])
def test_words_that_change_otherwise_are_given(count: int, said: str) -> None:
    assert counted(count, "entry is", "entries are") == said
