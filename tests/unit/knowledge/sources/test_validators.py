"""Revisions of pages, and how they are asked for again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.sources.validators import conditions, revision_of

HASH = "ab" * 32
SENT = "Sat, 21 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        pytest.param({"etag": '"a b"'}, {"If-None-Match": '"a b"'}, id="an ETag"),
        pytest.param({"etag": 'W/"1"', "last-modified": SENT}, {"If-None-Match": 'W/"1"'}, id="a weak one"),
        pytest.param(
            {"last-modified": "Sat, 21 Nov 2026 11:59:58 GMT", "date": SENT},
            {"If-Modified-Since": "Sat, 21 Nov 2026 11:59:58 GMT"},
            id="a date",
        ),
        pytest.param(
            {"last-modified": "Sat, 21 Nov 2026 11:59:59 GMT", "date": SENT}, {}, id="a date too near"
        ),
        pytest.param(
            {"last-modified": "Sat, 21 Nov 2026 11:00:00 GMT"}, {}, id="a date, nobody says of when"
        ),
        pytest.param({"last-modified": "long ago", "date": SENT}, {}, id="no date"),
        pytest.param({"etag": "x" * 301}, {}, id="too long to keep"),
        pytest.param({"etag": '"ü"'}, {}, id="no ASCII"),
        pytest.param({"etag": '"a\r\nX: y"'}, {}, id="another header in it"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_what_a_site_says_is_asked_again(headers: dict[str, str], asked: dict[str, str]) -> None:
    assert conditions(revision_of(HASH, headers)) == asked


@given(st.text(max_size=500), st.text(max_size=50), st.text(max_size=50))
def test_a_revision_can_be_kept_whatever_a_site_says(etag: str, changed: str, sent: str) -> None:
    """And begins with the hash, so that other bytes have another one."""
    revision = revision_of(HASH, {"etag": etag, "last-modified": changed, "date": sent})
    assert revision.startswith(HASH[:32])
    assert len(revision) <= 400
    assert revision.isprintable()
    assert all(len(value) <= 300 for value in conditions(revision).values())


@pytest.mark.parametrize("known", ["", "5-1-1-1", "abc etag", "x etag a\r\nb: c", "x other y"])
def test_what_was_no_revision_of_a_page_asks_nothing(known: str) -> None:
    assert conditions(known) == {}
