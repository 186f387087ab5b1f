"""Tesseract as a `ports.Recogniser`: a program of its own for each page, a picture in, a table of words out.

The table is what `tesseract ... tsv` writes: a head, then twelve columns, of which level 5 are words.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryFile
from typing import BinaryIO

import msgspec

from buttress.kernel.signals import signal_name
from buttress.knowledge.errors import OcrFailed, OcrMissing
from buttress.knowledge.parsing.cleaning import clean, on_one_line
from buttress.knowledge.pictures import Picture, Word
from buttress.knowledge.settings import OcrSettings

if sys.platform != "win32":
    import resource

if sys.platform == "linux":
    _SYSTEM = ctypes.CDLL(None)

LEAST_CONFIDENCE = 30.0
"""Of 100; words below are mostly specks and pieces of drawings."""

_DOUBTFUL = 70.0
"""Of 100, on average of all words: of a page that stands upright it is 80 and more, of another around 45."""

_COLUMNS = 12
_WORD_LEVEL = "5"
_LISTING_S = 30.0
_POINTS_TO_AN_INCH = 72
_MAX_SAID = 200
_MAX_SAID_BYTES = 16 << 20
"""A page full of words makes one of these 16."""

_COMPLAINT_BYTES = 4_096
"""Of the end of what it complains about."""

_END_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""


class Tesseract:
    """Starts the program once or twice a picture; it is given one thread, and none of our environment.

    For a process of one thread, as parsers are.
    """

    def __init__(self, settings: OcrSettings) -> None:
        self._settings = settings

    def __call__(self, picture: Picture) -> list[Word]:
        """Return the words, those left out of which the program is not sure; see `ports.Recogniser`.

        A page that it is not sure of is turned upside down and read again: then it reads those that stand on
        their head, or lie on the side that it does not look for. The surer reading counts.
        """
        sureness, words = self._read(picture)
        if sureness < _DOUBTFUL:
            with suppress(OcrFailed):
                again, turned = self._read(msgspec.structs.replace(picture, grey=picture.grey[::-1]))
                words = turned if turned and again > sureness else words
        return words

    def _read(self, picture: Picture) -> tuple[float, list[Word]]:
        dpi = round(_POINTS_TO_AN_INCH / picture.points)
        languages = "+".join(self._settings.languages)
        arguments = ("stdin", "stdout", "-l", languages, "--psm", "3", "--dpi", str(dpi), "tsv")
        head = f"P5 {picture.width} {picture.height} 255\n".encode()
        sent, timeout_s = head + picture.grey, self._settings.page_timeout_s
        said = _run(self._settings.program, arguments, sent, timeout_s, is_alone=True)
        return _understood(said, picture)


def require_tesseract(settings: OcrSettings) -> str:
    """Return the program's path and languages, for people.

    Raises:
        OcrMissing: it is not there, or its data for one of `languages` is not.
        OcrFailed: it does not say which it has.
    """
    said = _run(settings.program, ("--list-langs",), b"", _LISTING_S)
    there = {line.strip() for line in said.decode("utf-8", "replace").splitlines()[1:]}
    if missing := [one for one in settings.languages if one not in there]:
        raise OcrMissing(
            f"`{settings.program}` has no data for {', '.join(missing)}; it has {', '.join(sorted(there))}"
        )
    return f"{shutil.which(settings.program)}, {', '.join(settings.languages)}"


def _run(
    name: str, arguments: Sequence[str], sent: bytes, timeout_s: float, *, is_alone: bool = False
) -> bytes:
    """Return what the program says; `is_alone`: this is a parser's process, which has one thread."""
    program = shutil.which(name)
    if program is None:
        raise OcrMissing(f"the program `{name}` is not installed")
    with _room() as said, _room() as complaint:
        try:
            with subprocess.Popen(  # noqa: S603 - the project's own setting, no shell
                [program, *arguments],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=complaint,
                env=_environment(program),
                start_new_session=True,
                preexec_fn=_end_with_parent if is_alone else None,  # noqa: PLW1509 - no other thread is there
            ) as process:
                _limit(process, timeout_s)
                _talk(process, sent, timeout_s)
        except subprocess.TimeoutExpired:
            raise OcrFailed(f"`{name}` took longer than {timeout_s:g} s") from None
        except OSError as error:
            raise OcrMissing(f"the program `{name}` cannot be started: {error.strerror}") from None
        if process.returncode:
            raise OcrFailed(f"`{name}` {_end_of(process.returncode)}{_last_line(complaint)}")
        return _from(said, 0)


def _talk(process: subprocess.Popen[bytes], sent: bytes, timeout_s: float) -> None:
    """Hand a program what it reads and wait for its end; one that is late ends with all that it started."""
    try:
        process.communicate(sent, timeout=timeout_s)
    finally:
        if process.returncode is None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _end_with_parent() -> None:
    """In the program's process, before it is the program: have it end with the parser, however that ends."""
    if sys.platform == "linux":
        _SYSTEM.prctl(_END_WITH_PARENT, signal.SIGKILL)


def _limit(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Bound the files it writes, as what it says is one, and its time of the processor, in case nobody waits.

    What it starts is bound by the same.
    """
    if sys.platform == "linux":
        seconds = int(timeout_s) + 1
        with suppress(ProcessLookupError):  # it has ended already
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (_MAX_SAID_BYTES, _MAX_SAID_BYTES))
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds))


def _room() -> BinaryIO:
    """Return an empty file for what a program says: in memory where the system has such."""
    if sys.platform == "linux":
        return open(os.memfd_create("ocr"), "w+b")  # noqa: PTH123 - a descriptor
    return TemporaryFile()


def _from(room: BinaryIO, start: int) -> bytes:
    room.seek(start)
    return room.read()


def _environment(program: str) -> dict[str, str]:
    path = os.pathsep.join((str(Path(program).parent), os.defpath))
    return {"PATH": path, "LC_ALL": "C", "OMP_THREAD_LIMIT": "1"}


def _end_of(code: int) -> str:
    return f"ended with code {code}" if code > 0 else f"was ended by {signal_name(-code)}"


def _last_line(room: BinaryIO) -> str:
    complaint = _from(room, max(0, room.seek(0, os.SEEK_END) - _COMPLAINT_BYTES))
    lines = [on_one_line(clean(line)) for line in complaint.decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line]
    return f": {said[-1][:_MAX_SAID]}" if said else ""


def _understood(said: bytes, picture: Picture) -> tuple[float, list[Word]]:
    """Return how sure the program is of all that it read, 100 where that is nothing, and the words."""
    try:
        rows = [row for row in _rows(said) if row[0] == _WORD_LEVEL and on_one_line(clean(row[11]))]
        sureness = fmean(float(row[10]) for row in rows) if rows else 100.0
        return sureness, list(_words(rows, picture))
    except ValueError:
        raise OcrFailed("what came back is not a table of words") from None


def _words(rows: Sequence[Sequence[str]], picture: Picture) -> Iterator[Word]:
    """Give the words it is sure of; a line is told by the numbers of its block, paragraph and line."""
    sure = [row for row in rows if float(row[10]) >= LEAST_CONFIDENCE]
    for number, (_, line) in enumerate(groupby(sure, key=lambda row: row[1:5])):
        yield from (_word(row, number, picture) for row in line)


def _rows(said: bytes) -> list[list[str]]:
    head, *lines = said.decode("utf-8").split("\n")
    rows = [line.split("\t", _COLUMNS - 1) for line in lines if line]
    if not head.startswith("level\t") or any(len(row) != _COLUMNS for row in rows):
        raise ValueError(head)
    return rows


def _word(row: Sequence[str], line: int, picture: Picture) -> Word:
    left, top, width, height = (int(cell) for cell in row[6:10])
    right, bottom = left + width, top + height
    if not (0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height):
        raise ValueError(row)
    text = on_one_line(clean(row[11]))
    return Word(text=text, line=line, left=left, top=top, right=right, bottom=bottom)
