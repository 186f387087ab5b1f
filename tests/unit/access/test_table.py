"""`access.table`: one memory for several workers."""

import multiprocessing
import os
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.access.table import CONCURRENT_SETS, RATE_SETS, SIZE_BYTES, WAYS, Table, set_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "limits.table"


def of_one_set(table: Table, sets: int) -> list[int]:
    """Return one number more of buckets of one set than there are places."""
    wanted = set_of(1, table.salt, sets)
    return list(islice((one for one in count(1) if set_of(one, table.salt, sets) == wanted), WAYS + 1))


def test_what_one_writes_the_other_reads(path: Path) -> None:
    here, there = Table(path, 0), Table(path, 1)
    assert there.full_at(7) == 0
    with here:
        here.put(7, 12.5)
        here.add(9, 2)
    with there:
        there.add(9, 1)
    assert (there.full_at(7), there.full_at(8)) == (12.5, 0)
    assert (here.count(9), there.count(9), here.count(10)) == (3, 3, 0)
    here.close()
    there.close()
    assert path.stat().st_size == SIZE_BYTES


def test_a_worker_that_was_killed_begins_with_nothing_under_way(path: Path) -> None:
    other, killed = Table(path, 1), Table(path, 0)
    for table in (other, killed):
        table.add(9, 2)
    again = Table(path, 0)
    assert other.count(9) == again.count(9) == 2


def test_no_count_is_below_nothing(path: Path) -> None:
    table = Table(path, 0)
    table.add(9, -1)
    assert table.count(9) == 0
    table.add(9, 1)
    table.add(9, -5)
    assert table.count(9) == 0


def test_of_too_many_buckets_that_goes_which_is_full_soonest(path: Path) -> None:
    table = Table(path, 0)
    numbers = of_one_set(table, RATE_SETS)
    for moment, number in enumerate(numbers, start=1):
        table.put(number, float(moment))
    assert [table.full_at(one) for one in numbers] == [0.0, *map(float, range(2, WAYS + 2))]


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda path: os.truncate(path, 0), id="cut off"),
        pytest.param(lambda path: os.truncate(path, 100_000), id="cut in the middle"),
        pytest.param(Path.unlink, id="removed"),
        pytest.param(lambda path: path.write_bytes(os.urandom(SIZE_BYTES)), id="overwritten"),
    ],
)
def test_whatever_happens_to_the_file_workers_go_on_with_one_table(
    path: Path, harm: Callable[[Path], None]
) -> None:
    here, there = Table(path, 0), Table(path, 1)
    harm(path)
    for moment, table in enumerate((here, there, here), start=1):
        with table:
            assert table.full_at(7) in {0.0, float(moment - 1)}
            table.put(7, float(moment))
    with there:
        assert there.full_at(7) == 3
    assert here.salt == there.salt
    assert path.stat().st_size == SIZE_BYTES


def test_nobody_can_tell_beforehand_which_buckets_drive_out_a_certain_one(path: Path, tmp_path: Path) -> None:
    first, again, other = Table(path, 0), Table(path, 1), Table(tmp_path / "other", 0)
    assert first.salt == again.salt != other.salt
    chosen = of_one_set(other, RATE_SETS)
    for moment, number in enumerate(chosen, start=1):
        first.put(number, float(moment))
    assert [first.full_at(one) for one in chosen] == [*map(float, range(1, WAYS + 2))]


def test_what_is_under_way_is_never_forgotten_for_something_else(path: Path) -> None:
    table = Table(path, 0)
    numbers = of_one_set(table, CONCURRENT_SETS)
    for number in numbers:
        table.add(number, 1)
    assert [table.count(one) for one in numbers] == [*[1] * WAYS, 0]
    table.add(numbers[-1], -1)
    table.add(numbers[0], -1)
    table.add(numbers[-1], 1)
    assert [table.count(one) for one in numbers] == [0, *[1] * WAYS]


def test_who_remembers_where_a_bucket_stood_does_not_take_another_for_it(path: Path) -> None:
    here, there = Table(path, 0), Table(path, 1)
    first, *others = of_one_set(here, RATE_SETS)
    here.put(first, 1.0)
    assert here.full_at(first) == 1
    for moment, number in enumerate(others, start=2):
        there.put(number, float(moment))
    assert here.full_at(first) == 0
    here.put(first, 99.0)  # in the place of the one that is full soonest
    assert [there.full_at(one) for one in (first, *others)] == [99.0, 0.0, *map(float, range(3, WAYS + 2))]


def test_where_there_can_be_no_file_a_worker_counts_by_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    table = Table(tmp_path / "file" / "limits.table", 0)
    with table:
        table.put(7, 1.5)
    assert table.full_at(7) == 1.5
    table.close()


@given(steps=st.lists(st.tuples(st.integers(1, 5), st.sampled_from([1, -1])), max_size=40))
def test_counts_are_what_was_counted(
    steps: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = Table(tmp_path_factory.mktemp("table") / "table", 3)
    expected: dict[int, int] = {}
    for number, more in steps:
        table.add(number, more)
        expected[number] = max(0, expected.get(number, 0) + more)
    assert {number: table.count(number) for number in expected} == expected
    table.close()


@pytest.mark.slow
def test_who_was_stopped_in_the_middle_is_waited_for_once(path: Path) -> None:
    stopped, other = Table(path, 0), Table(path, 1)
    with stopped:
        for _ in range(200):  # half a second for each would be too long for this test
            with other:
                other.put(7, other.full_at(7) + 1)
    assert other.full_at(7) == 200


def _count(path: Path, times: int) -> None:
    table = Table(path, 2)
    for _ in range(times):
        with table:
            table.put(5, table.full_at(5) + 1)


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count, args=(path, 3_000)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(50)
    assert Table(path, 0).full_at(5) == 9_000
