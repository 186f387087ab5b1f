"""The head of a GGUF file: what it says of its tokenizer.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. After the magic, a version, the number
of tensors and the number of entries (4 + 4 + 8 + 8 bytes) stand the entries: a name, a kind, a value. A text
is its length (8 bytes) and UTF-8; a list is the kind of its elements, how many there are, and they.
"""

import mmap
import struct
from pathlib import Path

import msgspec

_NUMBERS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_TEXT, _LIST = 8, 9
_KIND, _LENGTH = _NUMBERS[4], _NUMBERS[10]
_ENTRIES_AT = 16
_PREFIX = "tokenizer.ggml."


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of its tokenizer: `model` is its kind, `pre` how a text is cut before it."""

    model: str
    pre: str
    tokens: list[str]
    merges: list[str]


class _Head:
    """Reads one value after the other; where the file ends too early that is a `struct.error`."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.at = _ENTRIES_AT

    def number(self, form: struct.Struct) -> int:
        (value,) = form.unpack_from(self._data, self.at)
        self.at += form.size
        return int(value)

    def text(self) -> str:
        length = self.number(_LENGTH)
        self.at += length
        if self.at > len(self._data):
            raise struct.error(f"a text of {length:,} bytes ends behind the file")
        return self._data[self.at - length : self.at].decode()

    def value(self, kind: int) -> str | list[str]:
        """Return a text, or a list of texts; of everything else nothing but where it ends."""
        if kind == _TEXT:
            return self.text()
        if kind != _LIST:
            self.at += _NUMBERS[kind].size
            return ""
        kind, count = self.number(_KIND), self.number(_LENGTH)
        if kind == _TEXT:
            return [self.text() for _ in range(count)]
        self.at += _NUMBERS[kind].size * count
        return []


def read_vocabulary(path: Path) -> Vocabulary | None:
    """Return what the GGUF file at `path` says of its tokenizer; None where it is damaged.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _vocabulary(_entries(_Head(data)))
    except (struct.error, KeyError, ValueError, OverflowError):
        return None


def _entries(head: _Head) -> dict[str, str | list[str]]:
    return {head.text(): head.value(head.number(_KIND)) for _ in range(head.number(_LENGTH))}


def _vocabulary(entries: dict[str, str | list[str]]) -> Vocabulary:
    said = {name.removeprefix(_PREFIX): value for name, value in entries.items() if name.startswith(_PREFIX)}
    return msgspec.convert({"model": "", "pre": "", "tokens": [], "merges": [], **said}, Vocabulary)
