"""ZIP archives, as DOCX, PPTX and EPUB files are: looked at before they are unpacked, counted while they are.

Nothing is ever written to a disk, so no name inside an archive can point outside it.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from buttress.knowledge.errors import BrokenFile, Encrypted, TooLarge
from buttress.knowledge.settings import MEBIBYTE, ParseLimits

MAX_ENTRIES = 20_000
MAX_RATIO = 250
"""For 64 MiB and more: text shrinks to a tenth, equal cells to a hundredth, bombs to less."""

_RATIO_FROM_BYTES = 64 * MEBIBYTE
_PIECE_BYTES = 1 << 18
_ENTRY_MARK = b"PK\x01\x02"
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
)


class Archive:
    """The parts of one file by their names. Its reader takes what it needs; the rest stays packed."""

    def __init__(self, data: bytes, path: str, limits: ParseLimits) -> None:
        """Read the table of contents.

        Raises:
            BrokenFile: there is none, or it is damaged.
            TooLarge: it has too many entries, or says it unpacks to more than it may.
        """
        self._path = path
        self._limit = limits.max_unpacked_bytes
        self._unpacked = 0
        self._zip = _open(data, path)
        infos = self._zip.infolist()
        self._refuse_bomb(sum(info.file_size for info in infos), len(data))
        self._infos = {info.filename: info for info in infos}

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    @property
    def names(self) -> frozenset[str]:
        """All names inside."""
        return frozenset(self._infos)

    def read(self, name: str) -> bytes:
        """Return a part; see `pieces`."""
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """Give a part in pieces of at most 256 KiB.

        Raises:
            BrokenFile: the part is missing, or damaged.
            Encrypted: it needs a password.
            TooLarge: all that was read by now is more than `max_unpacked_bytes`.
        """
        info = self._info(name)
        try:
            with self._zip.open(info) as stream:
                while piece := stream.read(_PIECE_BYTES):
                    self._unpacked += len(piece)
                    self._refuse_excess(self._unpacked)
                    yield piece
        except _BROKEN as error:
            raise BrokenFile(f"{place_in(self._path, name)} is damaged: it cannot be unpacked") from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = self._infos.get(name)
        if info is None:
            raise BrokenFile(f"{self._path} is not whole: it lacks {name[:120]!r}")
        if info.flag_bits & _ENCRYPTED:
            raise Encrypted(f"{place_in(self._path, name)} is encrypted: the file needs a password")
        if info.compress_type not in _METHODS:
            raise BrokenFile(
                f"{place_in(self._path, name)} is packed by method {info.compress_type}, which is not read"
            )
        return info

    def _refuse_bomb(self, unpacked: int, packed: int) -> None:
        self._refuse_excess(unpacked)
        if unpacked >= _RATIO_FROM_BYTES and unpacked > MAX_RATIO * packed:
            raise TooLarge(
                f"{self._path} would unpack to {unpacked:,} bytes, {unpacked // packed:,} times its size",
                hint="It looks like a ZIP bomb. If it is none, save it again, or split it.",
            )

    def _refuse_excess(self, unpacked: int) -> None:
        if unpacked > self._limit:
            raise TooLarge(
                f"{self._path} unpacks to {unpacked:,} bytes or more; the limit is {self._limit:,}",
                hint="Split it, or raise `max_unpacked_bytes` in the section `knowledge` of buttress.yaml.",
            )


def place_in(path: str, part: str) -> str:
    """Return how messages name a part of a file: on one line, however it is called."""
    return f"{path}: {part[:120]!r}"


def names_inside(data: bytes, path: str) -> frozenset[str]:
    """Return the names in an archive.

    Raises:
        BrokenFile, TooLarge: as for `Archive`, sizes aside.
    """
    return frozenset(_open(data, path).namelist())


def _open(data: bytes, path: str) -> zipfile.ZipFile:
    """Count the entries by their marks first: the library takes half a kilobyte for each of any number."""
    if (entries := data.count(_ENTRY_MARK)) > MAX_ENTRIES:
        raise TooLarge(
            f"{path} has {entries:,} entries; the limit is {MAX_ENTRIES:,}",
            hint="It looks like a ZIP bomb. If it is none, split it.",
        )
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN as error:
        raise BrokenFile(f"{path} is damaged, or cut short: its ZIP directory cannot be read") from error
