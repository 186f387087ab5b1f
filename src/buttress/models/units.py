"""Cutting passages into what can be quoted: sentences, items of lists, rows of tables. Pure.

Passages are plain text: blocks with a blank line between them, list items each on a line, tables as lines
with `|` between the cells. Headings and fragments (a passage may begin or end in the middle of a sentence)
are not quoted; a heading is kept as the context of what stands under it. What speaks to an assistant instead
of to the reader is nothing to quote (see `kernel.addressed`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from buttress.kernel.addressed import addressed_spans, without_addressed
from buttress.kernel.passages import Passage
from buttress.kernel.sentences import sentence_spans, split_sentences

Kind = Literal["sentence", "item", "row"]

_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_ITEM = re.compile(r"^\s*(?P<marker>[-*•]|\d{1,3}[.)])\s+(?=\S)")
_ROW = re.compile(r"^\s*\||\s\|\s")
_RULE = re.compile(r"^[\s|:+=-]*-[\s|:+=-]*$")
_CITED = re.compile(r"\s?\[\d{1,3}(?:\s*[-–,;]\s*\d{1,3})*\]")
_ENDED = re.compile(r"[.!?:…。！？][\"'”’»)\]*_]*$")
_EMPTY_CELLS = frozenset({"", "-", "–", "—"})
_FEWEST_WORDS = 3
_LONGEST_HEADING = 14


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """Something to quote, from passage number `passage` (1-based), the `order`-th unit there.

    `marker` is the bullet or number of a list item. `group` is the number of the list or table it belongs
    to in its passage, None for prose. `context` is the heading it stands under.
    """

    passage: int
    order: int
    text: str
    kind: Kind
    marker: str = ""
    group: int | None = None
    context: str = ""

    @property
    def key(self) -> tuple[int, int]:
        """Where it stands among all units."""
        return self.passage, self.order

    @property
    def is_lead(self) -> bool:
        """Whether it introduces what follows."""
        return self.kind == "sentence" and self.text.endswith(":")

    @property
    def in_context(self) -> str:
        """The text with its heading before it, for ranking."""
        return f"{self.context}: {self.text}" if self.context else self.text


class _Piece(msgspec.Struct, frozen=True):
    """A unit before it has its place."""

    text: str
    kind: Kind
    marker: str = ""


def units_of(passages: Sequence[Passage]) -> list[Unit]:
    """Return the units of all passages, numbered as the passages are: from 1, in their order.

    Where not one whole sentence, item or row is found, lines of three words and more are taken as they are.
    """
    units = [unit for number, passage in enumerate(passages, 1) for unit in _units(passage, number)]
    return units or [unit for number, passage in enumerate(passages, 1) for unit in _lines(passage, number)]


def _units(passage: Passage, number: int) -> Iterator[Unit]:
    context = passage.section[-1] if passage.section else passage.title
    order = 0
    for group, block in enumerate(_BLANK.split(without_addressed(passage.text))):
        if heading := _heading(block):
            context = heading
            continue
        for piece in _pieces(block, has_header=group > 0 or passage.start == 0):
            if not piece.text or (piece.kind == "sentence" and not _is_whole(piece.text)):
                continue
            yield Unit(
                passage=number,
                order=order,
                text=piece.text,
                kind=piece.kind,
                marker=piece.marker,
                group=None if piece.kind == "sentence" else group,
                context=context,
            )
            order += 1


def body_span(text: str) -> tuple[int, int] | None:
    """Return the (start, end) of the first blocks of `text` that are no headings; of all when all are.

    Blocks that speak to an assistant are left out: None where nothing else is there.
    """
    addressed = addressed_spans(text)
    body: tuple[int, int] | None = None
    for start, end in _block_spans(text):
        is_addressed = any(one < end and start < other for one, other in addressed)
        if not is_addressed and not _heading(text[start:end]):
            body = (body[0] if body else start, end)
        elif body:
            break
    return body or (None if addressed else (0, len(text)))


def _block_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        if text[start:end].strip():
            yield start, end
        start = gap.end() if gap else end


def _lines(passage: Passage, number: int) -> Iterator[Unit]:
    lines = (tidy(line) for line in without_addressed(passage.text).splitlines())
    long_enough = (line for line in lines if len(line.split()) >= _FEWEST_WORDS)
    for order, line in enumerate(long_enough):
        yield Unit(passage=number, order=order, text=line, kind="sentence")


def tidy(text: str) -> str:
    """Return `text` on one line, without citation markers of its own: they would be taken for ours."""
    return " ".join(_CITED.sub("", text).split())


def _heading(block: str) -> str:
    """Return the heading that `block` is, empty when it is something else."""
    line = block.strip()
    if "\n" in line or _ITEM.match(line) or _ROW.search(line):
        return ""
    if line.startswith("#"):
        return line.lstrip("# ")
    is_title = not _ENDED.search(line) or line.endswith("?")
    is_one = len(split_sentences(line)) == 1 and len(line.split()) <= _LONGEST_HEADING
    return line if is_title and is_one else ""


def _is_whole(text: str) -> bool:
    return bool(_ENDED.search(text)) and not text[:1].islower()


def _pieces(block: str, *, has_header: bool) -> Iterator[_Piece]:
    """Cut one block; a block may hold a line of prose, then a list or a table.

    A table at the very beginning of a passage (not `has_header`) may be the rest of one: its first row is a
    row.
    """
    for run in _runs(block):
        match _kind(run[0]):
            case "item":
                yield from _items(run)
            case "row":
                yield from _rows(run, has_header=has_header)
            case _:
                yield from _sentences("\n".join(run))


def _runs(block: str) -> Iterator[list[str]]:
    run: list[str] = []
    for line in block.splitlines():
        if run and _kind(line) != _kind(run[0]) and not _goes_on(run, line):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _kind(line: str) -> Kind:
    if _ITEM.match(line):
        return "item"
    return "row" if _ROW.search(line) else "sentence"


def _goes_on(run: Sequence[str], line: str) -> bool:
    """Say whether `line` is the rest of a list item that was broken into lines."""
    return _kind(run[0]) == "item" and line[:1].isspace() and _kind(line) == "sentence"


def _sentences(text: str) -> Iterator[_Piece]:
    """Cut prose; a single word ("No.") stays with the sentence behind it, if there is one."""
    spans = sentence_spans(text)
    begin = 0
    for _, end in spans:
        if len(text[begin:end].split()) > 1 or end == spans[-1][1]:
            yield _Piece(tidy(text[begin:end]), "sentence")
            begin = end


def _items(run: Sequence[str]) -> Iterator[_Piece]:
    marker, parts = "", list[str]()
    for line in run:
        if found := _ITEM.match(line):
            if parts:
                yield _Piece(tidy(" ".join(parts)), "item", marker)
            marker, parts = found["marker"], [line[found.end() :]]
        else:
            parts.append(line)
    yield _Piece(tidy(" ".join(parts)), "item", marker)


def _rows(run: Sequence[str], *, has_header: bool) -> Iterator[_Piece]:
    """Tell the rows of a table, each by itself: `Plan: Studio; Price per month: €49; Calendars: 6`."""
    header: list[str] = []
    rows = [_cells(line) for line in run if not _RULE.match(line)]
    has_rule = len(run) > 1 and bool(_RULE.match(run[1]))
    looks_like_header = has_header and len(rows) > 1 and not any(map(str.isdecimal, "".join(rows[0])))
    if rows and (has_rule or looks_like_header):
        header, rows = rows[0], rows[1:]
    for row in rows:
        if told := _tell(header, row):
            yield _Piece(told, "row")


def _cells(line: str) -> list[str]:
    return [tidy(cell) for cell in line.strip().strip("|").split("|")]


def _tell(header: Sequence[str], row: Sequence[str]) -> str:
    """Return a row as a sentence; empty when it says nothing. Two columns need no names."""
    if len(header) == len(row) > 2:
        named = zip(header, row, strict=True)
        told = [_named(name, value) for name, value in named if value not in _EMPTY_CELLS]
        line = "; ".join(told) if len(told) > 1 else ""
    else:
        subject, *values = row
        filled = "; ".join(value for value in values if value not in _EMPTY_CELLS)
        line = f"{subject}: {filled}".removeprefix(": ") if filled else ""
    return f"{line.rstrip('.')}." if line else ""


def _named(name: str, value: str) -> str:
    name = name.rstrip("?!:. ")  # a column may be called `Try again?`, which would end a sentence
    return f"{name}: {value}" if name else value
