"""A parser's own process, spoken to over real pipes."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from buttress.knowledge.parsing.frames import (
    LENGTH_BYTES,
    Failed,
    Message,
    Parsed,
    ParseRequest,
    Paused,
    read_message,
    to_frame,
)
from buttress.knowledge.settings import MEBIBYTE, ParseLimits
from buttress.testing.files import docx_of, zipped
from tests.unit.knowledge.parsing.scans import TABLE, PdfMaker, printing, program, scan_of, with_scripts

WORKER = [sys.executable, "-P", "-m", "buttress.knowledge.parsing.worker"]


def talk(*messages: ParseRequest, memory_bytes: int = 1024 * MEBIBYTE) -> tuple[list[Message], int]:
    """Send all requests at once, end the input; return the replies and how the process ended."""
    sent = b"".join(to_frame(message) for message in messages)
    ended = subprocess.run(
        [*WORKER, str(memory_bytes)], input=sent, capture_output=True, timeout=50, check=False
    )
    replies: list[Message] = []
    rest = ended.stdout
    while rest:
        size = int.from_bytes(rest[:LENGTH_BYTES], "big")
        replies.append(read_message(rest[LENGTH_BYTES : LENGTH_BYTES + size]))
        rest = rest[LENGTH_BYTES + size :]
    return replies, ended.returncode


def request(data: bytes, path: str = "a.md", timeout_s: float = 30) -> ParseRequest:
    """Ask for a file of that content."""
    return ParseRequest(path=path, data=data, limits=ParseLimits(), timeout_s=timeout_s)


@with_scripts
@pytest.mark.slow
def test_a_pause_is_told_for_each_page_that_is_read_by_ocr(make_pdf: PdfMaker, tmp_path: Path) -> None:
    """Its begin, with how long it may take, and its end; the alarm goes on where it stood."""
    ocr = program(tmp_path, printing(tmp_path, TABLE))
    asked = msgspec.structs.replace(request(scan_of(make_pdf([["a"], ["b"]])), "a.pdf"), ocr=ocr)
    (*pauses, last), code = talk(asked)
    assert pauses == [Paused(60), Paused(0)] * 2
    assert isinstance(last, Parsed)
    assert last.document.text.split() == ["Hello", "Hello"]
    assert code == 0


def test_requests_are_answered_in_turn_until_the_input_ends() -> None:
    """A bad file between two good ones is an answer like any other."""
    replies, code = talk(request(b"# one"), request(b"a\0b"), request(b"# two"))
    first, second, third = replies
    assert isinstance(first, Parsed)
    assert isinstance(second, Failed)
    assert isinstance(third, Parsed)
    assert (first.document.title, second.code, third.document.title) == (
        "one",
        "knowledge.unknown_format",
        "two",
    )
    assert code == 0


@pytest.mark.slow
def test_files_of_many_parts_are_read_there_too() -> None:
    """Their libraries are loaded when the first comes."""
    replies, _ = talk(
        request(docx_of("<w:p><w:r><w:t>a</w:t></w:r></w:p>"), "a.docx"),
        request(b"a,b\n1,2", "a.csv"),
        request(
            zipped({"word/document.xml": b"\0" * 100 * MEBIBYTE, "[Content_Types].xml": ""}), "bomb.docx"
        ),
    )
    first, second, third = replies
    assert isinstance(first, Parsed)
    assert isinstance(second, Parsed)
    assert isinstance(third, Failed)
    assert (first.document.format, second.document.format, third.code) == (
        "docx",
        "csv",
        "knowledge.too_large",
    )


def test_half_a_frame_ends_it_quietly() -> None:
    """Its parent was killed while it wrote."""
    ended = subprocess.run(
        [*WORKER, str(1024 * MEBIBYTE)], input=b"\0\0", capture_output=True, timeout=50, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, b"")


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_too_much_memory_is_reported_and_the_next_file_parsed() -> None:
    """Paragraphs without end in 256 MiB."""
    replies, code = talk(
        request(b"a\n\n" * 1_500_000, "big.txt"), request(b"# two"), memory_bytes=256 * MEBIBYTE
    )
    first, second = replies
    assert isinstance(first, Failed)
    assert first.code == "knowledge.parser_out_of_memory"
    assert "big.txt" in first.message
    assert isinstance(second, Parsed)
    assert code == 0
