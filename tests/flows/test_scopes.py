"""One rule in three places: what a scope sees by the index's condition, in memory, and by the function."""

from itertools import product
from pathlib import Path

import pytest

from buttress.kernel.scope import EVERYBODY, Scope
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.index.visibility import Access, reader_mark, sees, tenant_mark, visible_clause
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

NAMES = ("green", "GREEN", "gre\u0301en", "gr\u00e9en", "' OR '1'='1", "*", "", "\ud800", "{}", "a, b")
"""What each tenant and each reader is called: nearly each other's names, and what elsewhere is syntax."""


def readers_of(number: int) -> tuple[str, ...]:
    """Return the readers of the document of that number: none, some of the names, or everybody."""
    named = tuple(name for bit, name in enumerate(NAMES) if number >> bit & 1)
    return (EVERYBODY,) if number % 29 == 0 and number else named


@pytest.mark.slow
async def test_index_memory_and_function_agree_on_every_row(tmp_path: Path) -> None:
    """Before anything is scored, in both first stages; a document without readers is nobody's."""
    embedder = HashedWords()
    written = [
        Written(path=f"{at}.md", texts=(f"roses {at}",), tenant=tenant, readers=readers_of(37 * at % 1_024))
        for at, tenant in enumerate(NAMES * 12)
    ]
    index = await open_index(tmp_path)
    table = await index.make("garden", embedder.fingerprint, embedder.dimensions)
    await table.replace(rows_of_all(written, embedder))
    table = await index.table("garden", embedder.fingerprint, embedder.dimensions)
    matrix, vector = await table.matrix(), embedder.embed(["roses"])[0]
    assert any(not one.readers for one in written)
    for tenant, principals in product(NAMES, ((), NAMES[:3], NAMES[4:6], NAMES)):
        scope = Scope(tenant, frozenset(principals))
        opened = sees(scope)
        visible = {
            one.path
            for one in written
            if opened(Access(tenant_mark(one.tenant), frozenset(map(reader_mark, one.readers))))
        }
        clause = visible_clause(scope)
        stages = (
            await table.vector_search(vector, clause, 1_000),
            await table.text_search("roses", clause, 1_000, None),
            matrix.nearest(vector, scope, 1_000),
        )
        for hits in stages:
            found = await table.candidates(hits)
            assert {one.passage.document for one in found} == visible
