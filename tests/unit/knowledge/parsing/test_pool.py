"""Parsing in processes of their own: killed, late, at once."""

import asyncio
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from buttress.knowledge.checking import check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.errors import ParserCrashed, ParserOutOfMemory, ParseTimeout, TooLarge, UnknownFormat
from buttress.knowledge.parsing.pool import ParserPool
from buttress.knowledge.ports import TokenStarts
from buttress.knowledge.settings import MEBIBYTE, ParseLimits, ParserSettings
from buttress.knowledge.types import ChunkSettings, document_id
from tests.unit.knowledge.parsing.scans import (
    TABLE,
    PdfMaker,
    is_gone,
    printing,
    program,
    scan_of,
    with_scripts,
)
from tests.waiting import until

pytestmark = pytest.mark.slow  # processes of their own, or a server: seconds, all together


WORKER = "buttress.knowledge.parsing.worker"

SLOW = b"a _b " * 2_000_000
"""Ten megabytes of open emphasis: Markdown takes longer over it than any test waits."""


def parsers() -> list[psutil.Process]:
    """Return this process's living parsers."""
    return [child for child in psutil.Process().children() if WORKER in command_of(child)]


def command_of(process: psutil.Process) -> str:
    """Return the command line of a process; of one that has ended meanwhile nothing."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


async def test_files_are_parsed_and_errors_raised() -> None:
    """As in this process; a parser serves many files."""
    async with ParserPool(ParserSettings(parsers=1)) as pool:
        assert (await pool.parse(b"# one", "a.md")).title == "one"
        (before,) = parsers()
        with pytest.raises(UnknownFormat, match=r"b\.md is binary"):
            await pool.parse(b"a\0", "b.md")
        assert (await pool.parse(b"# two", "a.md")).title == "two"
        assert parsers() == [before]
    assert parsers() == []


async def test_who_is_cancelled_while_leaving_leaves_no_process_behind() -> None:
    """A sync in the background, when the program ends just as it is done."""
    is_parsed = asyncio.Event()

    async def parse_one() -> None:
        async with ParserPool(ParserSettings(parsers=1)) as pool:
            await pool.parse(b"# one", "a.md")
            is_parsed.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(parse_one())
        await is_parsed.wait()
        await asyncio.sleep(0)  # it has begun to leave
        task.cancel()
    assert task.cancelled()
    assert parsers() == []


async def test_a_large_file_is_refused_before_it_is_sent() -> None:
    """No process is started for it."""
    async with ParserPool(ParserSettings(limits=ParseLimits(max_file_bytes=3))) as pool:
        with pytest.raises(TooLarge, match=r"a\.md has 4 bytes"):
            await pool.parse(b"four", "a.md")
        assert parsers() == []


async def test_many_at_once_share_the_parsers() -> None:
    """Two processes, thirty files, each answer to its own question."""
    async with ParserPool(ParserSettings(parsers=2)) as pool:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pool.parse(f"# t{n}".encode(), "a.md")) for n in range(30)]
        assert [task.result().title for task in tasks] == [f"t{n}" for n in range(30)]
        assert 1 <= len(parsers()) <= 2


async def test_a_late_parser_is_stopped_and_another_started() -> None:
    """One line says which file; the next file is parsed."""
    async with ParserPool(ParserSettings(parsers=1, parse_timeout_s=1.0)) as pool:
        with pytest.raises(ParseTimeout, match=r"slow\.md was not parsed within 1 s"):
            await pool.parse(SLOW, "slow.md")
        assert parsers() == []
        assert (await pool.parse(b"# on", "a.md")).title == "on"


@with_scripts
async def test_ocr_does_not_count_for_the_documents_time(make_pdf: PdfMaker, tmp_path: Path) -> None:
    """Two pages of five seconds each, where a document may take eight."""
    ocr = program(tmp_path, f"sleep 5; {printing(tmp_path, TABLE)}")
    async with ParserPool(ParserSettings(parsers=1, parse_timeout_s=8, ocr=ocr)) as pool:
        document = await pool.parse(scan_of(make_pdf([["a"], ["b"]])), "a.pdf")
        assert document.warnings == ("pages 1-2 were read by OCR",)


@with_scripts
async def test_a_task_that_is_cancelled_in_a_page_takes_its_parser_along(
    make_pdf: PdfMaker, tmp_path: Path
) -> None:
    """And the program, on Linux; the next file is parsed by another."""
    started = tmp_path / "started"
    ocr = program(tmp_path, f"echo $$ >{started}.part; mv {started}.part {started}; exec sleep 600")
    async with ParserPool(ParserSettings(parsers=1, ocr=ocr)) as pool:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(pool.parse(scan_of(make_pdf([["a"]])), "a.pdf"))
            await until(started.exists)
            task.cancel()
        assert parsers() == []
        if sys.platform == "linux":
            await until(partial(is_gone, int(started.read_text())))
        assert (await pool.parse(b"# on", "a.md")).title == "on"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "error", "says"),
    [
        pytest.param(signal.SIGSEGV, ParserCrashed, "SIGSEGV", id="a crash in a library"),
        pytest.param(signal.SIGKILL, ParserOutOfMemory, "SIGKILL", id="killed by the system"),
    ],
)
async def test_a_parser_that_dies_costs_one_file(
    number: signal.Signals, error: type[Exception], says: str
) -> None:
    """Killed in the middle of its work; then another takes its place."""
    async with ParserPool(ParserSettings(parsers=1)) as pool:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_raises(pool, error))
            await until(lambda: bool(parsers()) and parsers()[0].cpu_times().user > 0.5)
            os.kill(parsers()[0].pid, number)
        assert says in task.result()
        assert "slow.md" in task.result()
        assert (await pool.parse(b"# on", "a.md")).title == "on"


async def _raises(pool: ParserPool, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        await pool.parse(SLOW, "slow.md")
    return str(caught.value)


async def test_a_parser_killed_while_idle_costs_nothing() -> None:
    """The next file is not blamed for it."""
    async with ParserPool(ParserSettings(parsers=1)) as pool:
        await pool.parse(b"# one", "a.md")
        (idle,) = parsers()
        idle.kill()
        await until(lambda: not parsers())
        assert (await pool.parse(b"# two", "a.md")).title == "two"


async def test_a_task_that_is_cancelled_takes_its_parser_along() -> None:
    """The answer nobody waits for is not given to the next who asks."""
    async with ParserPool(ParserSettings(parsers=1)) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await pool.parse(SLOW, "slow.md")
        assert (await pool.parse(b"# mine", "a.md")).title == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
@pytest.mark.slow
async def test_memory_is_bounded() -> None:
    """A million paragraphs in 256 MiB: an error for that file, within seconds."""
    async with ParserPool(ParserSettings(parsers=1, parser_memory_bytes=256 * MEBIBYTE)) as pool:
        with pytest.raises((ParserOutOfMemory, ParserCrashed), match=r"big\.html"):
            await pool.parse(b"<p>a</p>" * 1_000_000, "big.html")
        assert (await pool.parse(b"# on", "a.md")).title == "on"


@pytest.mark.long
async def test_six_hundred_pages_in_a_process(shared_data: Path, packaged_tokens: TokenStarts) -> None:
    """A document of megabytes comes back over the pipe, with all of its pages and 1,372 bookmarks.

    Every chunk says where it stands; counted once over whole blocks, none is longer tokenized by itself.
    """
    data = (shared_data / "documents" / "DA-619p.pdf").read_bytes()
    began = time.perf_counter()
    async with ParserPool(ParserSettings(parsers=1)) as pool:
        document = await pool.parse(data, "DA-619p.pdf")
        assert len(document.page_spans) == 619
        assert parsers()[0].memory_info().rss < 1024 * MEBIBYTE
    chunks = chunk(document, document_id("k", "s", "DA-619p.pdf"), ChunkSettings(), packaged_tokens)
    assert time.perf_counter() - began < 60
    check_document(document, chunks)
    assert max(len(packaged_tokens(one.embedded)) for one in chunks) <= 204
