"""Tesseract as a `ports.Recogniser`: a program of its own for each page, a picture in, a table of words out.

The table is what `tesseract ... tsv` writes: a head, then twelve columns, of which level 5 are words.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from buttress.kernel.signals import signal_name
from buttress.knowledge.errors import OcrFailed, OcrMissing
from buttress.knowledge.parsing.cleaning import clean, on_one_line
from buttress.knowledge.pictures import Picture, Word
from buttress.knowledge.settings import OcrSettings

if sys.platform != "win32":
    import resource

LEAST_CONFIDENCE = 30.0
"""Of 100; words below are mostly specks and pieces of drawings."""

_COLUMNS = 12
_WORD_LEVEL = "5"
_LISTING_S = 30.0
_POINTS_TO_AN_INCH = 72
_MAX_SAID = 200


class Tesseract:
    """Starts the program once a picture; it is given one thread, and none of our environment."""

    def __init__(self, settings: OcrSettings) -> None:
        self._settings = settings

    def __call__(self, picture: Picture) -> list[Word]:
        """Return the words, those left out of which the program is not sure; see `ports.Recogniser`."""
        dpi = round(_POINTS_TO_AN_INCH / picture.points)
        languages = "+".join(self._settings.languages)
        arguments = ("stdin", "stdout", "-l", languages, "--psm", "3", "--dpi", str(dpi), "tsv")
        head = f"P5 {picture.width} {picture.height} 255\n".encode()
        said = _run(self._settings.program, arguments, head + picture.grey, self._settings.page_timeout_s)
        return list(_words(said, picture))


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


def _run(name: str, arguments: Sequence[str], sent: bytes, timeout_s: float) -> bytes:
    program = shutil.which(name)
    if program is None:
        raise OcrMissing(f"the program `{name}` is not installed")
    try:
        with subprocess.Popen(  # noqa: S603 - the project's own setting, no shell
            [program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(program),
        ) as process:
            said, complaint = _talk(process, sent, timeout_s)
    except subprocess.TimeoutExpired:
        raise OcrFailed(f"`{name}` took longer than {timeout_s:g} s") from None
    except OSError as error:
        raise OcrMissing(f"the program `{name}` cannot be started: {error.strerror}") from None
    if process.returncode:
        raise OcrFailed(f"`{name}` {_end_of(process.returncode)}{_last_line(complaint)}")
    return said


def _talk(process: subprocess.Popen[bytes], sent: bytes, timeout_s: float) -> tuple[bytes, bytes]:
    _limit(process, timeout_s)
    try:
        return process.communicate(sent, timeout=timeout_s)
    finally:
        process.kill()


def _limit(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Have the system end it, too, should nobody be left to do so."""
    if sys.platform == "linux":
        seconds = int(timeout_s) + 1
        with suppress(ProcessLookupError):  # it has ended already
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds))


def _environment(program: str) -> dict[str, str]:
    path = os.pathsep.join((str(Path(program).parent), os.defpath))
    return {"PATH": path, "LC_ALL": "C", "OMP_THREAD_LIMIT": "1"}


def _end_of(code: int) -> str:
    return f"ended with code {code}" if code > 0 else f"was ended by {signal_name(-code)}"


def _last_line(complaint: bytes) -> str:
    lines = [on_one_line(clean(line)) for line in complaint.decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line]
    return f": {said[-1][:_MAX_SAID]}" if said else ""


def _words(said: bytes, picture: Picture) -> Iterator[Word]:
    """Give the words of the table; a line is told by the numbers of its block, paragraph and line."""
    try:
        words = [row for row in _rows(said) if row[0] == _WORD_LEVEL and float(row[10]) >= LEAST_CONFIDENCE]
        for number, (_, line) in enumerate(groupby(words, key=lambda row: row[1:5])):
            yield from (_word(row, number, picture) for row in line if on_one_line(clean(row[11])))
    except ValueError:
        raise OcrFailed("what came back is not a table of words") from None


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
