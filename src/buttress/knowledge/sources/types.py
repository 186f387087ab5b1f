"""The nouns of sources: what one holds, and what was left out of it."""

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A document as its source lists it.

    `path` has `/` between names on every system, is relative to the source, and is part of the id.
    Equal `revision`s mean equal bytes; an empty one: nobody can say without reading. `size_bytes` is
    what the source says, None where it does not.
    """

    path: str
    revision: str = ""
    size_bytes: int | None = None


class Skipped(msgspec.Struct, frozen=True):
    """Something that was left out, and why; `path` is relative, with what is not text escaped."""

    path: str
    reason: str


class Content(msgspec.Struct, frozen=True):
    """The bytes of a document as they were read, once, and their SHA-256 in hexadecimal.

    `revision` is of these bytes, where it may be another one than was listed.
    """

    data: bytes
    digest: str
    revision: str = ""


class Listing(msgspec.Struct, frozen=True):
    """What a source holds, in the order of the paths."""

    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...] = ()
