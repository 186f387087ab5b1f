"""What every `knowledge.ports.Source` promises."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Protocol

import pytest

from buttress.knowledge.errors import SourceMissing, TooLarge, Unreadable
from buttress.knowledge.ports import Source
from buttress.knowledge.sources.types import Entry

MAX_BYTES = 1 << 20
MAX_REVISION = 400
"""Characters of the longest revision: it is kept for each document."""


class Holding(Protocol):
    """A source that a test can change; it holds `documents` at first, at least three, of different bytes."""

    @property
    def source(self) -> Source:
        """The adapter under test."""
        ...

    @property
    def documents(self) -> Mapping[str, bytes]:
        """What it holds, by the paths."""
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Let a document be `data` from now on."""
        ...

    async def remove(self, path: str) -> None:
        """Remove a document."""
        ...

    async def vanish(self) -> None:
        """Take the source away as a whole."""
        ...


class SourceContract:
    """Subclass it and give one fixture: `holding`."""

    async def test_it_lists_what_it_holds_in_order(self, holding: Holding) -> None:
        """By the paths, and the same each time."""
        first = await holding.source.list({})
        assert [one.path for one in first.entries] == sorted(holding.documents)
        again = await holding.source.list({one.path: one.revision for one in first.entries})
        assert [one.path for one in again.entries] == sorted(holding.documents)

    async def test_each_is_read_with_its_hash(self, holding: Holding) -> None:
        """From many tasks at once; in any order, and twice."""
        entries = (await holding.source.list({})).entries
        read = [holding.source.read(one, MAX_BYTES) for one in (*entries, *reversed(entries))]
        for one, content in zip((*entries, *reversed(entries)), await asyncio.gather(*read), strict=True):
            assert content.data == holding.documents[one.path]
            assert content.digest == hashlib.sha256(content.data).hexdigest()
            assert one.size_bytes in (None, len(content.data))

    async def test_what_has_not_changed_has_its_revision(self, holding: Holding) -> None:
        """So that it is not read again."""
        first = {one.path: one.revision for one in (await holding.source.list({})).entries}
        again = {one.path: one.revision for one in (await holding.source.list(first)).entries}
        assert again == first
        assert all(first.values())
        assert max(map(len, first.values())) <= MAX_REVISION
        assert all(character.isprintable() for one in first.values() for character in one)

    async def test_what_has_changed_has_another(self, holding: Holding) -> None:
        """Also where only one letter is another; others keep theirs."""
        before = {one.path: one.revision for one in (await holding.source.list({})).entries}
        path = min(before)
        data = holding.documents[path][:-1] + b"!"
        await holding.put(path, data)
        after = {one.path: one for one in (await holding.source.list(before)).entries}
        assert after[path].revision != before[path]
        assert {name: one.revision for name, one in after.items() if name != path} == {
            name: one for name, one in before.items() if name != path
        }
        content = await holding.source.read(after[path], MAX_BYTES)
        assert content.data == data
        assert content.revision in ("", after[path].revision)

    async def test_what_is_new_is_there_and_what_was_removed_is_not(self, holding: Holding) -> None:
        """Each by itself."""
        before = {one.path: one.revision for one in (await holding.source.list({})).entries}
        gone = max(before)
        await holding.remove(gone)
        assert [one.path for one in (await holding.source.list(before)).entries] == sorted(
            before.keys() - {gone}
        )

    async def test_more_than_is_wanted_is_refused_not_cut_short(self, holding: Holding) -> None:
        """Whatever the source said of it; the next one is read as ever."""
        entries = (await holding.source.list({})).entries
        small = Entry(path=entries[0].path, revision=entries[0].revision, size_bytes=1)
        for one in (entries[0], small):
            with pytest.raises(TooLarge) as caught:
                await holding.source.read(one, 3)
            assert one.path in caught.value.message
            assert "\n" not in caught.value.message
        assert (await holding.source.read(entries[1], MAX_BYTES)).data == holding.documents[entries[1].path]

    async def test_a_source_that_is_gone_is_missing_not_empty(self, holding: Holding) -> None:
        """An empty one would lose all its documents."""
        await holding.source.list({})
        await holding.vanish()
        with pytest.raises((SourceMissing, Unreadable)) as caught:
            await holding.source.list({})
        assert "\n" not in caught.value.message

    async def test_a_source_that_goes_while_it_is_read_is_one_known_error(self, holding: Holding) -> None:
        """Or what was fetched already is read all the same."""
        entries = (await holding.source.list({})).entries
        await holding.vanish()
        for one in entries:
            try:
                content = await holding.source.read(one, MAX_BYTES)
            except (SourceMissing, Unreadable) as error:
                assert "\n" not in error.message
            else:
                assert content.data == holding.documents[one.path]
