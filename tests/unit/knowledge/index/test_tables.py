"""The index: which tables there are, and how they are opened."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from buttress.knowledge.errors import EmbedderChanged, NotIngested
from buttress.knowledge.index.rows import SCHEMA_VERSION
from buttress.knowledge.index.tables import open_index
from buttress.testing.documents import Written
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.index.test_table import EMBEDDER, by_words, newest, opened


async def test_a_table_made_anew_has_no_version_of_the_earlier_one(tmp_path: Path) -> None:
    """Vectors kept in memory are those of a version: they must not pass for the new table's."""
    versions, index = [], await open_index(tmp_path)
    for _ in range(2):
        index, _ = await opened(tmp_path, Written(path="a.md", texts=("alpha",)))
        assert await index.knowledge() == {"garden"}
        versions.append(await (await newest(index)).version())
        assert await index.drop("garden") == 1
    assert versions[0] != versions[1]
    assert versions[0].rpartition(".")[2] == versions[1].rpartition(".")[2]
    assert await index.knowledge() == set()


async def test_a_table_whose_maker_was_killed_is_made_again(tmp_path: Path) -> None:
    """There is a folder, and no version in it."""
    (tmp_path / f"garden.{EMBEDDER.fingerprint[:12]}.v{SCHEMA_VERSION}.lance" / "_versions").mkdir(
        parents=True
    )
    index, _ = await opened(tmp_path, Written(path="a.md", texts=("alpha",)))
    assert await by_words(await newest(index), "alpha") == ["alpha"]


async def test_a_knowledge_base_that_is_not_there_is_said(tmp_path: Path) -> None:
    """And one that was made with another embedder is something else."""
    index = await open_index(tmp_path / "new")
    with pytest.raises(NotIngested, match="garden"):
        await newest(index)
    await opened(tmp_path / "new", Written(path="a.md", texts=("x",)))
    other = HashedWords(version="2")
    with pytest.raises(EmbedderChanged, match="garden"):
        await index.table("garden", other.fingerprint, other.dimensions)
    with pytest.raises(NotIngested):
        await index.table("garden-2", EMBEDDER.fingerprint, EMBEDDER.dimensions)
    await index.make("garden", other.fingerprint, other.dimensions)
    assert await index.drop("garden", but=[other.fingerprint]) == 1
    with pytest.raises(EmbedderChanged):
        await newest(index)


async def test_a_table_that_was_never_finished_is_none(tmp_path: Path) -> None:
    """Its maker was killed: the folder is there, and nothing in it. The next one finishes it."""
    index, _ = await opened(tmp_path)
    await asyncio.to_thread(
        shutil.rmtree, tmp_path / f"garden.{EMBEDDER.fingerprint[:12]}.v{SCHEMA_VERSION}.lance" / "_versions"
    )
    with pytest.raises(NotIngested):
        await newest(index)
    await opened(tmp_path, Written(path="a.md", texts=("alpha",)))
    assert await by_words(await newest(index), "alpha") == ["alpha"]


WARNED = """
import asyncio, sys
from pathlib import Path
from buttress.knowledge.index.tables import open_index
from buttress.testing.embedding import HashedWords

async def main():
    embedder = HashedWords()
    index = await open_index(Path(sys.argv[1]))
    table = await index.table("garden", embedder.fingerprint, embedder.dimensions)
    await table._table.query().nearest_to(embedder.embed(["a"])[0]).select(["text"]).to_list()

asyncio.run(main())
assert not [name for name in sys.modules if name.startswith("lance_namespace_urllib3_client.api")]
from lance_namespace_urllib3_client import TableApi
"""


@pytest.mark.slow
async def test_what_lancedb_says_and_loads_for_nothing_does_not_reach_the_user(tmp_path: Path) -> None:
    """Of a query like this it warns, unless it was told to be quiet before it was loaded.

    The client of a service that it would load takes as long as all the rest; who wants it gets it.
    """
    await opened(tmp_path, Written(path="a.md", texts=("alpha",)))
    said = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", WARNED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (said.stdout, said.stderr) == ("", "")
