"""The index: one LanceDB table for each knowledge base and embedder, in one folder. The adapter of LanceDB.

A table's name says what it is of: `NAME.FINGERPRINT.vN`, the knowledge base, the embedder, the schema. So
another embedder, or a later Buttress with other columns, never reads rows it would misunderstand. A search
opens the table anew (0.3 ms): it sees the newest commit of any process, and all its stages see the same one.

lancedb and pyarrow are imported when an index is opened, never before: they take a second and 160 MB.
"""

import asyncio
import importlib.util
import os
import secrets
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from buttress.knowledge.errors import EmbedderChanged, ExtraMissing, NotIngested
from buttress.knowledge.index.rows import SCHEMA_VERSION, column_indices, schema_of
from buttress.knowledge.index.table import MADE, Table, translated

if TYPE_CHECKING:
    from lancedb.db import AsyncConnection
    from lancedb.table import AsyncTable

_REST_CLIENT = "lance_namespace_urllib3_client"


class Index:
    """The tables of one folder."""

    def __init__(self, connection: "AsyncConnection") -> None:
        self._connection = connection

    @translated
    async def table(self, knowledge: str, fingerprint: str, dimensions: int) -> Table:
        """Return the newest version of what was indexed of `knowledge` with the embedder of `fingerprint`.

        Raises:
            NotIngested: there is nothing.
            EmbedderChanged: there is, with another embedder.
        """
        name = table_name(knowledge, fingerprint)
        if table := await self._opened(name):
            return Table(table, dimensions)
        names = await self._names(knowledge)
        if names and names != [name]:
            raise EmbedderChanged(
                f"knowledge base `{knowledge}` was ingested with another embedding model or schema",
                hint=f"Ingest it anew: buttress sync {knowledge}",
            )
        raise NotIngested(
            f"knowledge base `{knowledge}` was not ingested yet",
            hint=f"Read its documents first: buttress sync {knowledge}",
        )

    @translated
    async def make(self, knowledge: str, fingerprint: str, dimensions: int) -> Table:
        """Return the table for writing; made with its indices if they are not there. Hold the lock."""
        name = table_name(knowledge, fingerprint)
        table = await self._opened(name)
        if table is None:
            schema = schema_of(dimensions).with_metadata({MADE: secrets.token_hex(8)})
            table = await self._connection.create_table(name, schema=schema)
        there = {column for one in await table.list_indices() for column in one.columns}
        for column, config in column_indices().items():
            if column not in there:
                await table.create_index(column, config=config)
        return Table(table, dimensions)

    @translated
    async def drop(self, knowledge: str, *, but: Collection[str] = ()) -> int:
        """Remove what was indexed of `knowledge`, all but that of the embedders `but`; return how much."""
        kept = {table_name(knowledge, one) for one in but}
        dropped = [name for name in await self._names(knowledge) if name not in kept]
        for name in dropped:
            await self._connection.drop_table(name)
        return len(dropped)

    @translated
    async def tables(self, knowledge: str) -> list[str]:
        """Return the names of the tables of `knowledge`; `table_name` says which is of which embedder."""
        return await self._names(knowledge)

    async def find(self, knowledge: str, fingerprint: str, dimensions: int) -> Table | None:
        """Return what `table` does; None where there is nothing of that embedder."""
        try:
            return await self.table(knowledge, fingerprint, dimensions)
        except (NotIngested, EmbedderChanged):
            return None

    @translated
    async def knowledge(self) -> set[str]:
        """Return the names of all knowledge bases that anything was indexed of."""
        return {_knowledge_of(name) for name in await self._all_names()}

    async def _opened(self, name: str) -> "AsyncTable | None":
        try:
            return await self._connection.open_table(name)
        except ValueError:
            return None  # whoever made it was killed before it was whole, or somebody drops it just now

    async def _names(self, knowledge: str) -> list[str]:
        return [name for name in await self._all_names() if _knowledge_of(name) == knowledge]

    async def _all_names(self) -> list[str]:
        names: list[str] = []
        while True:
            page = await self._connection.list_tables(page_token=names[-1] if names else None, limit=1_000)
            names += page.tables
            if not page.page_token:
                return names


async def open_index(folder: Path) -> Index:
    """Return the index in `folder`, which is made if need be. The first one in a process takes a second.

    Raises:
        ExtraMissing: lancedb is not installed.
    """
    await asyncio.to_thread(_import_lancedb)
    from lancedb import connect_async  # noqa: PLC0415 - heavy, loaded by now

    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    return Index(await connect_async(folder))


def _import_lancedb() -> None:
    # Its native part reads this once, when it is loaded, and would write warnings over what users see.
    os.environ.setdefault("LANCEDB_LOG", "error")  # noqa: TID251 - set, not read: there is no other way
    try:
        with _without_a_rest_client():
            importlib.import_module("lancedb.query")
    except ImportError as error:
        raise ExtraMissing(f"the index needs a package that is not installed: {error.name}") from error


@contextmanager
def _without_a_rest_client() -> Iterator[None]:
    """Keep lancedb from loading, for the block, a client of a service that we never ask.

    lancedb wants a few types out of that package, whose `__init__` loads the client, too: as long as all the
    rest takes. Whoever wants the client later gets it.
    """
    spec = importlib.util.find_spec(_REST_CLIENT)
    if spec is None or _REST_CLIENT in sys.modules:
        yield
        return
    sys.modules[_REST_CLIENT] = importlib.util.module_from_spec(spec)  # its path, and nothing run yet
    try:
        yield
    finally:
        del sys.modules[_REST_CLIENT]


def table_name(knowledge: str, fingerprint: str) -> str:
    """Return what the table of `knowledge` and an embedder is called."""
    return f"{knowledge}.{fingerprint[:12]}.v{SCHEMA_VERSION}"


def _knowledge_of(name: str) -> str:
    return name.rsplit(".", 2)[0]
