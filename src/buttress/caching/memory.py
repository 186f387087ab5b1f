"""Answers in the memory of a process: bounded by bytes and by their number, and fair between tenants.

Whatever has to go for a new one is the oldest of the tenant that holds the most: so no tenant can drive out
the others, and one that is alone may have all of it.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from buttress.caching.types import Entry, Key

OVERHEAD_BYTES = 512
"""What an entry takes beside its body."""


class MemoryAnswers:
    """The answers that were asked for last."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._tenants: dict[str, OrderedDict[Key, Entry]] = {}
        self._bytes: dict[str, int] = {}
        self.entries = 0
        self.size_bytes = 0

    def get(self, key: Key, now: datetime) -> Entry | None:
        """Return what is kept under `key`, unless its time is over."""
        mine = self._tenants.get(key.tenant)
        entry = mine.get(key) if mine else None
        if mine is None or entry is None:
            return None
        if entry.expires_at <= now:
            self._drop(key)
            return None
        mine.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keep `entry`, in place of what was under `key`; not one that is larger than all there may be."""
        self._drop(key)
        size = _size(entry)
        if size > self._max_bytes or not self._max_entries:
            return
        self._tenants.setdefault(key.tenant, OrderedDict())[key] = entry
        self._count(key.tenant, 1, size)
        while self.entries > self._max_entries or self.size_bytes > self._max_bytes:
            heaviest = max(self._bytes, key=self._bytes.__getitem__)
            self._drop(next(iter(self._tenants[heaviest])))

    def items(self) -> Iterator[tuple[Key, Entry]]:
        """Yield all that is kept, also what is over."""
        for mine in self._tenants.values():
            yield from mine.items()

    def forget(self, is_gone: Callable[[Key, Entry], bool]) -> int:
        """Drop every entry that `is_gone`; return how many there were."""
        gone = [key for key, entry in self.items() if is_gone(key, entry)]
        for key in gone:
            self._drop(key)
        return len(gone)

    def forget_cited(self, documents: Collection[str]) -> int:
        """Drop what cites one of `documents`; return how many there were."""
        changed = frozenset(documents)
        return self.forget(lambda _, entry: not changed.isdisjoint(entry.cited))

    def _drop(self, key: Key) -> None:
        mine = self._tenants.get(key.tenant)
        entry = mine.pop(key, None) if mine else None
        if entry is None:
            return
        self._count(key.tenant, -1, -_size(entry))
        if not mine:
            del self._tenants[key.tenant], self._bytes[key.tenant]

    def _count(self, tenant: str, entries: int, size_bytes: int) -> None:
        self._bytes[tenant] = self._bytes.get(tenant, 0) + size_bytes
        self.entries += entries
        self.size_bytes += size_bytes


def _size(entry: Entry) -> int:
    return OVERHEAD_BYTES + len(entry.body) + sum(map(len, entry.cited))
