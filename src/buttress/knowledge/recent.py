"""What was needed last, kept up to a number of bytes: the same texts come again and again."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")

_OVERHEAD_BYTES = 400
"""What an entry takes besides its value."""


class Recent(Generic[V]):
    """Values by keys, up to `most_bytes`; `size_of` says how many one has. Safe to use from many threads."""

    def __init__(self, most_bytes: int, size_of: Callable[[V], int]) -> None:
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._values: OrderedDict[bytes, V] = OrderedDict()
        self._lock = Lock()
        self.size_bytes = 0

    def get(self, key: bytes) -> V | None:
        """Return what is kept under `key`."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
            return found

    def put(self, key: bytes, value: V) -> None:
        """Keep `value`, and forget what was not needed for longest. What is larger than all is not kept."""
        if self._size(value) > self._most_bytes:
            return
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value
            self.size_bytes += self._size(value)
            while self.size_bytes > self._most_bytes:
                _, oldest = self._values.popitem(last=False)
                self.size_bytes -= self._size(oldest)

    def _size(self, value: V) -> int:
        return self._size_of(value) + _OVERHEAD_BYTES
