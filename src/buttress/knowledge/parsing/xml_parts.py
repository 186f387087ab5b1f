"""XML as it stands in archives: one element after another, so that a large part needs little memory.

Names are local: `w:p` is `p`, whatever its namespace (Office writes the same element in several). Attributes
of the relationships' namespace keep a prefix: `r:id`. A part may not declare entities of its own; nothing is
fetched.
"""

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from buttress.knowledge.errors import BrokenFile

MAX_DEPTH = 256
"""Elements nested deeper are refused: readers may go down by recursion."""

_SKIPPED = frozenset({"Fallback"})
"""Says again, for old programs, what stands beside it."""


def elements(pieces: Iterable[bytes], wanted: frozenset[str], where: str) -> Iterator[Element]:
    """Give each outermost element that has one of these names, as soon as it is whole.

    Raises:
        BrokenFile: it is no XML, declares entities of its own, or is nested too deep; the message begins with
            `where`.
    """
    collector = _Collector(wanted, where)
    for piece in pieces:
        yield from collector.feed(piece)
    yield from collector.feed(b"", is_last=True)


def first_text(root: Element, name: str) -> str:
    """Return the text directly in the first element of that name below `root`; empty where there is none."""
    found = next(root.iter(name), None)
    return (found.text or "") if found is not None else ""


def outermost(root: Element, names: frozenset[str]) -> Iterator[Element]:
    """Give the elements of these names below `root`, but none that stands inside another."""
    for child in root:
        if child.tag in names:
            yield child
        else:
            yield from outermost(child, names)


class _Collector:
    """Builds the wanted elements, and nothing of what is around them."""

    def __init__(self, wanted: frozenset[str], where: str) -> None:
        self._wanted = wanted
        self._where = where
        self._ready: list[Element] = []
        self._builder: TreeBuilder | None = None
        self._depth = self._built = self._skipped = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._parser.StartDoctypeDeclHandler = self._refuse_declarations

    def feed(self, piece: bytes, *, is_last: bool = False) -> list[Element]:
        """Take in a piece; return what is whole now."""
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise BrokenFile(f"{self._where} is no XML: {str(error).splitlines()[0]}") from error
        except (LookupError, ValueError) as error:  # an encoding that is no encoding
            raise BrokenFile(f"{self._where} is no XML: its encoding is unknown") from error
        ready, self._ready = self._ready, []
        return ready

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BrokenFile(f"{self._where} has more than {MAX_DEPTH} elements inside one another")
        name = tag.rpartition("}")[2]
        if self._skipped or name in _SKIPPED:
            self._skipped += 1
            return
        if self._builder is None and name in self._wanted:
            self._builder = TreeBuilder()
        if self._builder is not None:
            self._built += 1
            self._builder.start(name, {_attribute(key): value for key, value in attributes.items()})

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._skipped:
            self._skipped -= 1
            return
        if self._builder is None:
            return
        self._builder.end(tag.rpartition("}")[2])
        self._built -= 1
        if not self._built:
            self._ready.append(self._builder.close())
            self._builder = None

    def _data(self, text: str) -> None:
        if self._builder is not None and not self._skipped:
            self._builder.data(text)

    def _refuse_declarations(self, *doctype: object) -> None:
        """Entities and defaults that a part declares for itself can make any size out of little.

        The last of what the library says of a DOCTYPE is whether it holds declarations.
        """
        if doctype[-1]:
            raise BrokenFile(f"{self._where} declares XML entities of its own, which no document needs")


def _attribute(key: str) -> str:
    namespace, _, name = key.rpartition("}")
    return f"r:{name}" if namespace.endswith("/relationships") else name
