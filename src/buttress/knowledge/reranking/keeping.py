"""The token vectors of documents that were re-ranked lately: retrievers find the same ones again."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Halves: TypeAlias = "npt.NDArray[np.float16]"
"""Unit vectors, one a row, in half the bytes: their cosines differ by less than 0.001."""

_OVERHEAD_BYTES = 400
"""What an entry takes besides its vectors."""


class Read(msgspec.Struct, frozen=True):
    """A document as the model read it: a vector for each token; `is_cut`: only its beginning."""

    vectors: Halves
    is_cut: bool


class KeptVectors:
    """The documents that were needed last, up to `most_bytes`. Safe to use from many threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[bytes, Read] = OrderedDict()
        self._lock = threading.Lock()
        self.size_bytes = 0

    def get(self, key: bytes) -> Read | None:
        """Return what is kept under `key`."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, key: bytes, read: Read) -> None:
        """Keep `read`, and forget what was not needed for the longest time; not one too large for all."""
        if _size(read) > self._most_bytes:
            return
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = read
            self.size_bytes += _size(read)
            while self.size_bytes > self._most_bytes:
                _, oldest = self._entries.popitem(last=False)
                self.size_bytes -= _size(oldest)


def _size(read: Read) -> int:
    return int(read.vectors.nbytes) + _OVERHEAD_BYTES
