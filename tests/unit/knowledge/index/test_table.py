"""Rows: found at once, replaced whole, seen by those who may."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import DocumentId
from buttress.kernel.scope import EVERYBODY, Scope
from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.index.rows import LONGEST_WORD_BYTES
from buttress.knowledge.index.table import Table, index_failed
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.search_types import Hit
from buttress.testing.documents import Written, rows_of, rows_of_all
from buttress.testing.embedding import HashedWords

EMBEDDER = HashedWords()
ALL = visible_clause(Scope("green"))

WRITER = """
import asyncio, sys
from pathlib import Path
from buttress.knowledge.index.tables import open_index
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

async def main(folder):
    embedder, version = HashedWords(), 0
    index = await open_index(folder)
    print("ready", flush=True)
    while True:
        version += 1
        table = await index.make("garden", embedder.fingerprint, embedder.dimensions)
        texts = tuple(f"version{version} line{line}" for line in range(3 + version % 5))
        written = [Written(path=f"{one}.md", texts=texts, state=str(version)) for one in "abc"]
        await table.replace(rows_of_all(written, embedder))
        await table.tidy()

asyncio.run(main(Path(sys.argv[1])))
"""


async def opened(folder: Path, *written: Written) -> tuple[Index, Table]:
    """Return an index of these documents."""
    index = await open_index(folder)
    table = await index.make("garden", EMBEDDER.fingerprint, EMBEDDER.dimensions)
    if written:
        await table.replace(rows_of_all(written, EMBEDDER))
    return index, table


async def newest(index: Index) -> Table:
    """Return what a search would see now."""
    return await index.table("garden", EMBEDDER.fingerprint, EMBEDDER.dimensions)


async def by_words(table: Table, text: str, clause: str = ALL) -> list[str]:
    """Return the texts that BM25 finds."""
    hits = await table.text_search(text, clause, 100, None)
    return [one.passage.text for one in await table.candidates(hits)]


async def by_vector(table: Table, text: str, clause: str = ALL) -> list[str]:
    """Return the texts that are near."""
    hits = await table.vector_search(EMBEDDER.embed([text])[0], clause, 100)
    return [one.passage.text for one in await table.candidates(hits)]


async def documents(table: Table, hits: Sequence[Hit]) -> set[str]:
    """Return the paths of what was found."""
    return {one.passage.document for one in await table.candidates(hits)}


async def test_what_was_written_is_found_at_once_with_its_place(tmp_path: Path) -> None:
    """By another handle, without any tidying."""
    written = Written(
        path="roses.md", texts=("Roses want sun.", "They are cut in March."), section=("Garden", "Beds")
    )
    index, _ = await opened(tmp_path, written, Written(path="other.md", texts=("A spade.",)))
    table = await newest(index)
    hits = await table.text_search("cutting in march", ALL, 10, EMBEDDER.embed(["cut in march"])[0])
    (found,) = [one.passage for one in await table.candidates(hits)]
    assert (found.document, found.section, found.start) == ("roses.md", ("Garden", "Beds"), 16)
    assert found.text == "They are cut in March."
    assert found.cosine == pytest.approx(found.cosine)
    hits = await table.vector_search(EMBEDDER.embed(["roses want sun"])[0], ALL, 10)
    near = await table.candidates(hits)
    assert near[0].passage.text == "Roses want sun."
    assert (near[0].passage.cosine, near[0].passage.score) == pytest.approx((1, 1), abs=1e-5)


async def test_words_are_found_up_to_a_length(tmp_path: Path) -> None:
    """Before and after they are taken into the index; questions leave longer ones out."""
    longest = ["x" * LONGEST_WORD_BYTES, "й" * (LONGEST_WORD_BYTES // 2)]
    longer = [f"{one}й" for one in longest]
    index, table = await opened(
        tmp_path, Written(path="a.md", texts=(*longest, *longer)), Written(path="b.md", texts=("soil",) * 100)
    )
    for is_scanned in (True, False):
        assert [await by_words(table, one) for one in longest] == [[one] for one in longest]
        assert [await by_words(table, one) for one in longer] == [[], []]
        assert await table.tidy() == is_scanned
        table = await newest(index)


async def test_cosines_are_the_same_from_both_stages(tmp_path: Path) -> None:
    """They are compared with each other."""
    index, _ = await opened(tmp_path, Written(path="a.md", texts=("one two three", "two three four five")))
    table, vector = await newest(index), EMBEDDER.embed(["two four"])[0]
    dense = {one.chunk_id: one.cosine for one in await table.vector_search(vector, ALL, 10)}
    bm25 = {one.chunk_id: one.cosine for one in await table.text_search("two four", ALL, 10, vector)}
    assert bm25 == pytest.approx(dense, abs=1e-5)


async def test_vectors_in_memory_find_what_the_disk_does(tmp_path: Path) -> None:
    """The same rows in the same order with the same numbers, also after rows were replaced and removed."""
    written = [Written(path=f"{n}.md", texts=(f"word{n} and word{n % 7}", f"word{n % 3}")) for n in range(40)]
    index, table = await opened(tmp_path, *written)
    await table.replace(rows_of_all([Written(path="3.md", texts=("word3 is new",), state="2")], EMBEDDER))
    await table.remove([rows_of(written[5], EMBEDDER).document_id])
    await table.tidy()
    seen, vector = await newest(index), EMBEDDER.embed(["word3 and more"])[0]
    matrix = await seen.matrix()
    assert matrix.version == await seen.version()
    for depth in (100, 7):
        from_disk = await seen.vector_search(vector, ALL, depth)
        from_memory = matrix.nearest(vector, Scope("green"), depth)
        assert [one.score for one in from_memory] == pytest.approx([one.score for one in from_disk], abs=1e-5)
        texts = {one.passage.text for one in await seen.candidates(from_memory)}
        assert depth < 78 or texts == {one.passage.text for one in await seen.candidates(from_disk)}
    assert matrix.nearest(vector, Scope("blue"), 10) == []


async def test_a_document_is_replaced_whole(tmp_path: Path) -> None:
    """The old chunks are gone, the others stay; who read before still sees what was before."""
    index, table = await opened(
        tmp_path,
        Written(path="a.md", texts=("alpha one", "alpha two", "alpha three")),
        Written(path="b.md", texts=("alpha beta",)),
    )
    before = await newest(index)
    await table.replace([rows_of(Written(path="a.md", texts=("alpha new",), state="2"), EMBEDDER)])
    after = await newest(index)
    assert sorted(await by_words(after, "alpha")) == ["alpha beta", "alpha new"]
    assert len(await by_words(before, "alpha")) == 4
    assert sorted((await after.states()).values()) == ["1", "2"]
    assert await after.version() != await before.version()


async def test_the_same_rows_twice_are_one(tmp_path: Path) -> None:
    """An ingest that was killed does its last group again."""
    written = Written(path="a.md", texts=("alpha one", "alpha two"))
    index, table = await opened(tmp_path, written)
    await table.replace([rows_of(written, EMBEDDER)])
    assert await (await newest(index)).count() == 2


async def test_what_was_removed_is_found_by_nobody(tmp_path: Path) -> None:
    """Neither by words nor by meaning, nor after tidying."""
    gone = Written(path="gone.md", texts=("secret plan",))
    index, table = await opened(tmp_path, gone, Written(path="b.md", texts=("open plan",)))
    await table.remove([rows_of(gone, EMBEDDER).document_id, DocumentId("never' or true --")])
    for _ in range(2):
        seen = await newest(index)
        assert await by_words(seen, "secret plan") == ["open plan"]
        assert await by_vector(seen, "secret plan") == ["open plan"]
        await table.tidy()


@pytest.mark.slow
async def test_vectors_are_known_by_what_was_embedded(tmp_path: Path) -> None:
    """Also when the document has another name now."""
    written = Written(path="a.md", texts=tuple(f"text number {number}" for number in range(1_200)))
    index, _ = await opened(tmp_path, written)
    rows = rows_of(renamed(written, "b.md"), EMBEDDER)
    keys = [one.embed_key for one in rows.chunks]
    known = await (await newest(index)).known([*keys, "unknown", "' or true --"])
    assert set(known) == set(keys)
    for key, vector in zip(keys, rows.vectors, strict=True):
        assert known[key].vector == pytest.approx(vector)


async def test_tokens_are_stored_beside_the_vector_where_there_are_any(tmp_path: Path) -> None:
    """Of what has none, nothing is known to who needs them, and nothing is read."""
    index, table = await opened(tmp_path, Written(path="without.md", texts=("alpha one",)))
    rows = rows_of(Written(path="with.md", texts=("alpha two", "alpha three")), EMBEDDER)
    await table.replace([msgspec.structs.replace(rows, tokens=(b"\0\xff", b""))])
    seen = await newest(index)
    hits = await seen.text_search("alpha", ALL, 10, None)
    two, three = rows.chunks
    assert (len(hits), await seen.tokens(hits)) == (3, {two.chunk_id: b"\0\xff"})
    assert await seen.tokens([]) == {}
    keys = [two.embed_key, three.embed_key]
    assert {one.tokens for one in (await seen.known(keys)).values()} == {b""}
    known = await seen.known(keys, with_tokens=True)
    assert {key: one.tokens for key, one in known.items()} == {two.embed_key: b"\0\xff"}


def renamed(written: Written, path: str) -> Written:
    """Return the same document under another name."""
    return Written(path=path, texts=written.texts)


async def test_a_sample_is_spread_and_bounded(tmp_path: Path) -> None:
    """All of a small table, no more than asked for of a large one."""
    index, _ = await opened(tmp_path)
    assert await (await newest(index)).sample(10) == []
    index, _ = await opened(tmp_path, Written(path="a.md", texts=tuple(f"t{number}" for number in range(25))))
    table = await newest(index)
    assert len(await table.sample(100)) == 25
    assert 5 <= len(await table.sample(10)) <= 10


def break_files(folder: Path, pattern: str) -> None:
    """Write nonsense over files."""
    for path in folder.rglob(pattern):
        if path.is_file():
            path.write_bytes(b"broken")


async def test_broken_files_are_said_in_one_line(tmp_path: Path) -> None:
    """With what may be done about it."""
    index, _ = await opened(tmp_path, Written(path="a.md", texts=("alpha",)))
    break_files(tmp_path, "*.lance")
    with pytest.raises(IndexFailed) as failed:
        await by_vector(await newest(index), "alpha")
    assert "\n" not in failed.value.message
    assert "ingest" in failed.value.hint


@pytest.mark.parametrize(
    ("said", "reason", "advice"),
    [
        pytest.param(
            "lance error: No space left on device (os error 28), /a/b/lance-1.0/src/io.rs:258:9\nmore",
            "lance error: No space left on device (os error 28)",
            "Make room on the disk",
            id="a full disk",
        ),
        pytest.param("it is none", "it is none", "an ingest builds it anew", id="anything else"),
        pytest.param("", "OSError", "an ingest builds it anew", id="nothing"),
    ],
)
def test_what_the_index_complains_of_is_for_people(said: str, reason: str, advice: str) -> None:
    """Not where in its code it was noticed."""
    failed = index_failed(OSError(said))
    assert failed.message == f"the index could not be used: {reason}"
    assert advice in failed.hint


async def test_tidying_waits_until_it_is_worth_it(tmp_path: Path) -> None:
    """A few rows are scanned; many are put into the index, and found the same."""
    index, table = await opened(tmp_path, Written(path="a.md", texts=("alpha beta",)))
    assert not await table.tidy()
    await table.replace(
        [
            rows_of(
                Written(path="b.md", texts=("alpha",) * 1 + tuple(f"w{n} alpha" for n in range(150))),
                EMBEDDER,
            )
        ]
    )
    before = sorted(await by_words(await newest(index), "beta w7"))
    assert not await table.tidy(more_to_come=True)
    assert await table.tidy()
    assert not await table.tidy()
    assert sorted(await by_words(await newest(index), "beta w7")) == before == ["alpha beta", "w7 alpha"]


hostile = st.sampled_from(
    ["", "a", "A", "'", "''", "a'b", "\\", "\\'", '"', "a') OR true --", "*", "%", "_", "日本", "é",
     "e\u0301", "\0", "a\nb", "\ud800", "?", "x" * 10_000, "null", "true", "['*']"]
)  # fmt: skip
access = st.tuples(hostile, st.lists(hostile, min_size=1, max_size=3))


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(access, min_size=1, max_size=12), st.lists(access, min_size=1, max_size=6))
def test_exactly_what_a_scope_may_see_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    stored: list[tuple[str, list[str]]],
    asked: list[tuple[str, list[str]]],
) -> None:
    """By both stages, for any tenant and any principals, whatever stands in their names.

    Whether a row is in the indices, is not yet, or was changed since: all were open to somebody else before.
    """

    async def run() -> None:
        written = [
            Written(
                path=f"{number}.md", texts=(f"alpha number{number}",), tenant=tenant, readers=tuple(readers)
            )
            for number, (tenant, readers) in enumerate(stored)
        ]
        others = [msgspec.structs.replace(one, readers=("somebody else",), tenant="t") for one in written]
        index, writing = await opened(tmp_path_factory.mktemp("index"), *others)
        for part in (written[::2], written[1::2]):
            await writing._table.optimize()  # noqa: SLF001 - `tidy` waits for more rows
            if part:
                changed = [msgspec.structs.replace(one, state="2") for one in part]
                await writing.replace(rows_of_all(changed, EMBEDDER))
        table = await newest(index)
        for tenant, principals in asked:
            scope = Scope(tenant, frozenset(principals))
            may_see = {one.path for one in written if visible(one, scope)}
            clause = visible_clause(scope)
            vector = EMBEDDER.embed(["alpha"])[0]
            matrix = await table.matrix()
            for hits in (
                await table.vector_search(vector, clause, 100),
                await table.text_search("alpha", clause, 100, None),
                matrix.nearest(vector, scope, 100),
            ):
                assert await documents(table, hits) == may_see

    asyncio.run(run())


def visible(written: Written, scope: Scope) -> bool:
    """Say in plain Python what the rule is."""
    return written.tenant == scope.tenant and bool({EVERYBODY, *scope.principals} & set(written.readers))


async def test_a_rare_tenant_finds_its_own_among_many(tmp_path: Path) -> None:
    """The condition comes before the ranking: a better match of somebody else takes no place."""
    loud = Written(path="loud.md", texts=tuple(f"alpha alpha alpha {n}" for n in range(300)), tenant="loud")
    quiet = Written(
        path="quiet.md", texts=("long text of other words with alpha somewhere in it",), tenant="quiet"
    )
    index, table = await opened(tmp_path, loud, quiet)
    clause = visible_clause(Scope("quiet"))
    for _ in range(2):
        seen = await newest(index)
        near = await seen.vector_search(EMBEDDER.embed(["alpha"])[0], clause, 5)
        assert await documents(seen, await seen.text_search("alpha", clause, 5, None)) == {"quiet.md"}
        assert await documents(seen, near) == {"quiet.md"}
        await table.tidy()


@pytest.mark.slow
async def test_many_principals_are_quick_enough(tmp_path: Path) -> None:
    """Somebody in five thousand groups is somebody, too."""
    index, _ = await opened(tmp_path, Written(path="a.md", texts=("alpha",), readers=("group 4999",)))
    scope = Scope("green", frozenset(f"group {number}" for number in range(5_000)))
    async with asyncio.timeout(5):
        assert await by_words(await newest(index), "alpha", visible_clause(scope)) == ["alpha"]


def killed_writer(folder: Path, after_s: float) -> None:
    """Write in a process of its own, and kill it."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(after_s)
    writer.kill()
    writer.communicate()


@pytest.mark.long
async def test_a_writer_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    """Whoever reads sees whole versions; whoever writes next goes on."""
    chance = SeededChance(5)
    for _ in range(10):
        await asyncio.to_thread(killed_writer, tmp_path, 0.6 * chance.fraction())
        index = await open_index(tmp_path)
        table = await index.make("garden", EMBEDDER.fingerprint, EMBEDDER.dimensions)
        states = await table.states()
        assert "" not in states.values()
        for state in set(states.values()):
            lines = await by_words(table, f"version{state}")
            assert len(lines) == sum(one == state for one in states.values()) * (3 + int(state) % 5)
