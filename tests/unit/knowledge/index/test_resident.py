"""Vectors kept in memory."""

import asyncio
import threading
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.scope import Scope
from buttress.knowledge.index.resident import Matrix, Residents, Rows, matrix_of
from buttress.knowledge.index.visibility import Access, reader_mark, tenant_mark
from tests.waiting import until


def matrix(tenants: list[str], version: str = "1") -> Matrix:
    """Return a matrix with a row for each tenant in `tenants`; row n has the id 10 n, n hundredths away."""
    cosines = np.array([1 - number / 100 for number in range(len(tenants))], np.float32)
    rows = Rows(
        vectors=cosines.reshape(-1, 1),
        chunk_ids=[f"c{number:03}" for number in range(len(tenants))],
        row_ids=np.arange(len(tenants), dtype=np.uint64) * np.uint64(10),
        accesses=[Access(tenant_mark(one), frozenset({reader_mark("*")})) for one in tenants],
    )
    return matrix_of(version, rows)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 35))
def test_the_nearest_that_may_be_seen(tenants: list[str], depth: int) -> None:
    """Exactly those, wherever they were among the others, and whether few may be seen or all."""
    found = matrix(tenants).nearest(np.ones(1, np.float32), Scope("a"), depth)
    expected = [10 * number for number, tenant in enumerate(tenants) if tenant == "a"][:depth]
    assert [one.row_id for one in found] == expected
    assert all(one.score == pytest.approx(1 - one.row_id / 1_000, abs=1e-5) for one in found)
    assert [one.chunk_id for one in found] == [f"c{row // 10:03}" for row in expected]


async def test_a_matrix_is_loaded_once_for_each_version() -> None:
    residents, loaded = Residents(2, 100, 60), list[str]()

    async def load(version: str) -> Matrix:
        loaded.append(version)
        return matrix(["a"] * 5, version)

    for version in ("1", "1", "2", "2"):
        found = await residents.of("garden", version, 5, partial(load, version))
        assert found is not None
        assert found.version == version
    assert loaded == ["1", "2"]


@pytest.mark.parametrize("patience_s", [pytest.param(0, id="nobody waits"), pytest.param(60, id="one waits")])
async def test_who_comes_while_one_is_loaded_does_not_wait(patience_s: float) -> None:
    """The disk answers, too; what was begun goes on, whoever began it."""
    residents, may_go_on = Residents(1, 100, patience_s), threading.Event()

    async def load() -> Matrix:
        may_go_on.wait(60)
        return matrix(["a"])

    async with asyncio.TaskGroup() as group:
        first = group.create_task(residents.of("garden", "1", 5, load))
        await asyncio.sleep(0)
        assert await residents.of("garden", "1", 5, load) is None
        if not patience_s:
            assert await first is None
        may_go_on.set()
    assert (first.result() is None) == (patience_s == 0)
    await until(lambda: residents.of("garden", "1", 5, load))


async def test_few_rows_and_too_many_are_left_on_the_disk() -> None:
    """Two knowledge bases share the room; a new version takes the place of its old one."""
    residents = Residents(3, 10, 60)

    async def load() -> Matrix:
        return matrix(["a"] * 6)

    assert await residents.of("small", "1", 2, load) is None
    assert await residents.of("large", "1", 11, load) is None
    assert await residents.of("one", "1", 6, load) is not None
    assert await residents.of("two", "1", 6, load) is None
    assert await residents.of("one", "2", 6, load) is not None


async def test_a_load_that_fails_is_tried_again() -> None:
    residents = Residents(1, 10, 60)

    async def fail() -> Matrix:
        raise OSError

    async def load() -> Matrix:
        return matrix(["a"])

    with pytest.raises(OSError):  # noqa: PT011 - ours, from above
        await residents.of("garden", "1", 5, fail)
    assert await residents.of("garden", "1", 5, load) is not None
