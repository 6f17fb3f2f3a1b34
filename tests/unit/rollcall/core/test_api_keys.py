import hashlib

import pytest

from rollcall.core.api_keys import ApiKey, Role, digest_of, new_key, parse_api_keys

A, B = "a" * 64, "b" * 64


def test_an_entry_is_a_name_a_role_and_a_hash() -> None:
    assert parse_api_keys(f" gate:kiosk:{A} , office:admin:{B.upper()},") == (
        ApiKey(name="gate", role=Role.KIOSK, digest=A),
        ApiKey(name="office", role=Role.ADMIN, digest=B),
    )


def test_an_entry_reads_as_it_was_written() -> None:
    entry = f"gate-2.b_c:kiosk:{A}"
    assert [key.entry for key in parse_api_keys(entry)] == [entry]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (" , ", "holds no key"),
        ("hush-key", "entry 1 is a key itself.*rollcall keys create"),
        (f"gate:kiosk:{A}, hush-key", "entry 2 is a key itself"),
        (f"hush:{A}", "entry 1 is not name:role:hash"),
        (f"hush:kiosk:{A}:more", "entry 1 is not name:role:hash"),
        (f"Hush:kiosk:{A}", "entry 1 has a wrong name"),
        (f":kiosk:{A}", "entry 1 has a wrong name"),
        (f"{'h' * 41}:kiosk:{A}", "entry 1 has a wrong name"),
        (f"a:hush:{A}", "entry 1 has a wrong role"),
        ("a:kiosk:hush", "entry 1 has a wrong hash"),
        (f"a:kiosk:{A}, b:kiosk:hush{A[4:]}", "entry 2 has a wrong hash"),
        (f"hush:kiosk:{A}, b:kiosk:{B}, hush:admin:{'c' * 64}", "entry 3 has the same name as entry 1"),
        (f"a:kiosk:{A}, b:kiosk:{B}, c:admin:{B}", "entry 3 has the same key as entry 2"),
    ],
)
def test_a_wrong_entry_is_named_by_its_number_and_never_shown(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        parse_api_keys(text)
    assert "hush" not in str(raised.value)
    assert A not in str(raised.value)


def test_a_hash_does_not_show_in_repr() -> None:
    assert A not in repr(parse_api_keys(f"gate:kiosk:{A}"))


def test_new_keys_are_long_and_all_different() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    # 32 bytes make 43 letters of base64.
    assert min(len(key.removeprefix("rollcall_")) for key in keys) == 43


def test_the_hash_is_what_sha256sum_says() -> None:
    assert digest_of("a key") == hashlib.sha256(b"a key").hexdigest()


def test_an_admin_may_do_what_a_kiosk_may_and_not_the_other_way_round() -> None:
    assert Role.ADMIN.includes(Role.KIOSK)
    assert Role.ADMIN.includes(Role.ADMIN)
    assert Role.KIOSK.includes(Role.KIOSK)
    assert not Role.KIOSK.includes(Role.ADMIN)
