"""XML that lists things, from outside: sitemaps, and what buckets answer. Pure.

No document type is read, so that nothing unfolds and nothing is fetched; what is open at a time is bounded,
and with it the memory. Names are local: whatever their namespace.
"""

from collections.abc import Collection, Iterator
from xml.parsers import expat

_PIECE_BYTES = 1 << 16
_MAX_TEXT = 1 << 16
"""Characters of one text; longer ones are no names of anything."""

_MAX_DEPTH = 100
_MAX_PARTS = 1_000
_MAX_UNREAD_BYTES = 1 << 20
"""Of one tag or comment, which the parser holds until its end."""


class NotAList(Exception):
    """It is not the XML that it should be; the message says why."""


class Item:
    """An element that was wanted, with the texts of the elements right in it; of two of a name the first."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.text = ""
        self.parts: dict[str, str] = {}


def read_items(data: bytes, wanted: Collection[str]) -> Iterator[Item]:
    """Give each element of `data` that has one of the `wanted` names, one after another.

    Raises:
        NotAList: it is no XML, declares a document type, or holds what is too long or nested too deep.
    """
    reading = _Reading(wanted)
    for start in range(0, len(data), _PIECE_BYTES):
        yield from reading.feed(data[start : start + _PIECE_BYTES])
    yield from reading.feed(b"", is_last=True)


class _Reading:
    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = wanted
        self._ready: list[Item] = []
        self._item: Item | None = None
        self._depth = 0
        self._open = 0
        self._fed = 0
        self._part = ""
        self._text: list[str] = []
        self._length = 0
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser = parser

    def feed(self, piece: bytes, *, is_last: bool = False) -> list[Item]:
        """Read on; return what is whole now."""
        self._fed += len(piece)
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise NotAList(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
        except (ValueError, LookupError) as error:  # the latter for an encoding that nobody knows
            raise NotAList(str(error)) from None
        if self._fed - self._parser.CurrentByteIndex > _MAX_UNREAD_BYTES:
            raise NotAList(f"a tag or a comment of more than {_MAX_UNREAD_BYTES:,} bytes")
        ready, self._ready = self._ready, []
        return ready

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._open += 1
        if self._open > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} deep")
        local = name.rpartition("}")[2]
        if self._item is None:
            if local in self._wanted:
                self._item, self._depth = Item(local), 0
        else:
            self._depth += 1
            self._part = local if self._depth == 1 else self._part
        self._text, self._length = [], 0

    def _end(self, _: str) -> None:
        self._open -= 1
        item, text = self._item, "".join(self._text).strip()
        if item is None:
            return
        if self._depth == 0:
            item.text = text
            self._ready.append(item)
            self._item = None
        elif self._depth == 1:
            item.parts.setdefault(self._part, text)
            if len(item.parts) > _MAX_PARTS:
                raise ValueError(f"more than {_MAX_PARTS:,} elements in one {item.kind}")
        self._depth -= 1
        self._text = []

    def _take(self, text: str) -> None:
        if self._item is None:
            return
        self._length += len(text)
        if self._length > _MAX_TEXT:
            raise ValueError(f"a text of more than {_MAX_TEXT:,} characters")
        self._text.append(text)

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type, which is not read")
