"""ZIP archives, and what people put into them to do harm."""

import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.errors import PARSE_ERRORS, BrokenFile, Encrypted, TooLarge
from buttress.knowledge.parsing.archives import MAX_ENTRIES, Archive, names_inside, place_in
from buttress.knowledge.settings import MEBIBYTE, ParseLimits
from buttress.testing.files import zipped

SMALL = ParseLimits(max_unpacked_bytes=1_000)


def opened(data: bytes, limits: ParseLimits | None = None) -> Archive:
    """Open an archive as `a.docx`."""
    return Archive(data, "a.docx", limits or ParseLimits())


def test_parts_are_read_by_their_names() -> None:
    """In pieces, or whole."""
    archive = opened(zipped({"a/b.xml": "text", "c.bin": b"\0" * 600_000}))
    assert archive.names == names_inside(zipped({"a/b.xml": "", "c.bin": ""}), "a.docx")
    assert "a/b.xml" in archive
    assert archive.read("a/b.xml") == b"text"
    assert [len(piece) for piece in archive.pieces("c.bin")] == [262_144, 262_144, 75_712]


def test_a_name_that_leads_outside_is_a_name_like_any_other() -> None:
    """Nothing is written to a disk, so it leads nowhere."""
    archive = opened(zipped({"../../etc/passwd": "mine"}))
    assert archive.read("../../etc/passwd") == b"mine"


def test_a_bomb_is_refused_by_what_it_says_of_itself() -> None:
    """100 MB of zeros in 100 kB: before a byte is unpacked."""
    bomb = zipped({"word/document.xml": b"\0" * 100 * MEBIBYTE})
    with pytest.raises(TooLarge, match=r"a\.docx would unpack to 104,857,600 bytes, [\d,]+ times its size"):
        opened(bomb)
    with pytest.raises(TooLarge, match=r"a\.docx unpacks to 104,857,600 bytes or more; the limit is 1,000"):
        opened(bomb, SMALL)


def lying(data: bytes) -> bytes:
    """Return an archive of one part that says it unpacks to one byte."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + (1).to_bytes(4, "little") + data[at + 4 :]


def test_a_bomb_that_lies_gives_no_more_than_it_says() -> None:
    """What comes out is compared with what was said."""
    with pytest.raises(BrokenFile, match=r"a\.docx: 'x' is damaged: it cannot be unpacked"):
        opened(lying(zipped({"x": b"\0" * 10 * MEBIBYTE})), SMALL).read("x")


def test_what_is_read_twice_is_counted_twice() -> None:
    """A book may name one page ten thousand times."""
    archive = opened(zipped({"x": b"a" * 400}), SMALL)
    archive.read("x")
    archive.read("x")
    with pytest.raises(TooLarge, match="the limit is 1,000"):
        archive.read("x")


def test_too_many_entries_are_refused_before_they_are_listed() -> None:
    """Each costs the library half a kilobyte."""
    data = zipped({"x": ""}) + b"PK\x01\x02" * (MAX_ENTRIES + 1)
    with pytest.raises(TooLarge, match="20,002 entries"):
        opened(data)


def test_a_part_of_any_name_is_named_on_one_line() -> None:
    """Names come from whoever made the file."""
    assert place_in("a.docx", "x\ny" + "z" * 999) == "a.docx: 'x\\ny" + "z" * 117 + "'"


def test_an_encrypted_part_needs_a_password() -> None:
    """The bit is in the directory."""
    data = bytearray(zipped({"x": "secret"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Encrypted, match=r"a\.docx: 'x' is encrypted: the file needs a password"):
        opened(bytes(data)).read("x")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "its ZIP directory cannot be read", id="nothing"),
        pytest.param(b"PK\x03\x04 and no more", "its ZIP directory cannot be read", id="no directory"),
        pytest.param(zipped({"x": "a" * 999})[:-30], "its ZIP directory cannot be read", id="cut short"),
        pytest.param(zipped({"y": "a"}), "it lacks 'x'", id="a part that is not there"),
        pytest.param(zipped({"x": "a"}, zipfile.ZIP_LZMA), "method 14", id="a method that Office never uses"),
    ],
)
def test_what_is_not_whole_is_said(data: bytes, says: str) -> None:
    """In one line that names the file."""
    with pytest.raises(BrokenFile) as caught:
        opened(data).read("x")
    assert caught.value.message.startswith("a.docx")
    assert says in caught.value.message


@settings(max_examples=300)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_whatever_is_changed_the_errors_are_known(at: int, by: bytes) -> None:
    """One place of a good archive overwritten."""
    good = zipped({"a.xml": "x" * 50, "b.xml": "y" * 5_000})
    damaged = good[:at] + by + good[at + len(by) :]
    with suppress(*PARSE_ERRORS.values()):
        archive = opened(damaged)
        for name in archive.names:
            archive.read(name)
