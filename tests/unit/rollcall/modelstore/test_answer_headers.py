import httpx
import pytest

from rollcall.modelstore import answer_headers

CHANGED = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({}, None),
        ({"ETag": '"one"'}, '"one"'),
        ({"ETag": '"one"', "Last-Modified": CHANGED}, '"one"'),
        ({"ETag": 'W/"one"', "Last-Modified": CHANGED}, CHANGED),
        ({"ETag": 'W/"one"'}, None),
    ],
)
def test_a_file_is_known_again_by_its_strong_tag_or_its_time(
    headers: dict[str, str], validator: str | None
) -> None:
    assert answer_headers.validator(httpx.Headers(headers)) == validator


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("bytes 5-9/10", (5, 10)),
        ("bytes 5-9/*", (5, None)),
        ("bytes */10", None),
        ("bytes 5-9", None),
        (f"bytes {'5' * 5000}-9/10", None),
        ("", None),
    ],
)
def test_a_part_of_a_file_says_where_it_begins(said: str, part: tuple[int, int | None] | None) -> None:
    assert answer_headers.part(httpx.Headers({"Content-Range": said})) == part


@pytest.mark.parametrize(("said", "length"), [("10", 10), ("-1", None), ("x", None), ("1" * 5000, None)])
def test_a_length_that_makes_no_sense_is_none(said: str, length: int | None) -> None:
    assert answer_headers.length(httpx.Headers({"Content-Length": said})) == length
