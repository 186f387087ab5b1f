"""What the soak takes for growth, and what for noise."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance

MB_PER_HOUR = 3_600


def load() -> None:
    """Have the package `soaking` of the benchmarks importable."""
    folder = Path(__file__).parents[2] / "benchmarks" / "soaking"
    spec = importlib.util.spec_from_file_location(
        "soaking", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec
    assert spec.loader
    package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    sys.modules["soaking"] = package


load()
trends = importlib.import_module("soaking.trend")
verdict = importlib.import_module("soaking.verdict")
watching = importlib.import_module("soaking.watching")
mix = importlib.import_module("soaking.mix")

SECONDS = [float(second) for second in range(180)]


def noisy(leak_mb_min: float, seed: int, noise_mb: float = 0.5) -> list[float]:
    """Return three minutes of memory in MB: a leak, noise, and a peak now and then, as of large bodies."""
    chance = SeededChance(seed)
    return [
        88.0
        + leak_mb_min * second / 60
        + noise_mb * (chance.fraction() + chance.fraction() - 1)
        + (12.0 if chance.fraction() < 0.05 else 0.0)
        for second in SECONDS
    ]


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_of_one_megabyte_a_minute_is_found_within_three_minutes(seed: int) -> None:
    half = trends.second_half(SECONDS)
    found = trends.trend(SECONDS[half], noisy(1.0, seed)[half]) * MB_PER_HOUR
    assert found.low > 5
    assert found.slope == pytest.approx(60, rel=0.4)


@pytest.mark.parametrize("seed", range(20))
def test_none_is_found_where_there_is_none(seed: int) -> None:
    half = trends.second_half(SECONDS)
    found = trends.trend(SECONDS[half], noisy(0.0, seed)[half]) * MB_PER_HOUR
    assert found.low <= 5


@pytest.mark.parametrize(
    ("shape", "is_growth"),
    [
        pytest.param(lambda _: 90.0, False, id="nothing happens"),
        pytest.param(lambda second: 90.0 + (second > 40), False, id="one step up, and no more"),
        pytest.param(lambda second: 90.0 + 40 * (second == 100), False, id="one peak"),
        pytest.param(
            lambda second: 90.0 + second // 12 / 4, True, id="many small steps, as an allocator makes"
        ),
        pytest.param(lambda second: 90.0 - second / 60, False, id="it falls"),
    ],
)
def test_shapes_of_memory(shape: Callable[[float], float], *, is_growth: bool) -> None:
    found = trends.trend(SECONDS, [shape(second) for second in SECONDS]) * MB_PER_HOUR
    assert (found.low > 5) == is_growth


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_the_slope_lies_within_its_bounds(values: Sequence[float]) -> None:
    found = trends.trend(SECONDS[: len(values)], values)
    assert found.low <= found.slope <= found.high


@given(st.floats(-100, 100), st.floats(-1e3, 1e3), st.integers(2, 180))
def test_a_straight_line_has_its_own_slope(slope: float, start: float, count: int) -> None:
    moments = SECONDS[:count]
    found = trends.trend(moments, [start + slope * moment for moment in moments])
    assert found.slope == pytest.approx(slope, abs=1e-6)


def test_the_first_half_is_left_out() -> None:
    assert SECONDS[trends.second_half(SECONDS)] == SECONDS[90:]
    assert trends.second_half([]) == slice(0, 0)


Memory = Callable[[float], float]


def sample(at_s: float, **changes: object) -> object:
    """Return a moment of one call worker; `changes` are those of its process and of what it tells."""
    process = {"pid": 1, "uss_mb": 50.0, "fds": 20, "threads": 3, "rss_mb": 88.0}
    worker = {"tasks": 8, "upstreams": 0, "running": 0}
    return watching.Sample(
        at_s=at_s,
        processes={"calls-1": watching.Process(**{k: changes.get(k, v) for k, v in process.items()})},
        workers={"calls-1": watching.Worker(**{k: changes.get(k, v) for k, v in worker.items()})},
        series=changes.get("series", 900),
        backlog_bytes=changes.get("backlog_bytes", 0),
        late_bytes=changes.get("late_bytes", 0),
    )


def counted(**changes: object) -> object:
    well: dict[str, object] = {
        "calls": 1_000,
        "unexpected": 0,
        "due": {"fast": 900, "no-such-": 50},
        "unsure": {"fast": 2},
        "stored": {"fast": 900, "no-such-": 50},
        "missing": 0,
        "lost": 0,
        "database_bytes": 1_400_000,
        "calls_between": 1_000,
    }
    return verdict.Counted(**{**well, **changes})


def wrong(course: object, books: object) -> list[str]:
    """Return what is wrong, each without the worker's name."""
    return [one.what.removeprefix("calls-1: ") for one in verdict.judge(course, books) if not one.is_met]


def flat(_at_s: float) -> float:
    return 88.0


def course(memory: Memory, after: Mapping[str, object]) -> object:
    """Return a soak of three minutes; `after` is what is otherwise at its end."""
    samples = [sample(second, rss_mb=memory(second), upstreams=30, tasks=70) for second in SECONDS]
    return verdict.Course(before=sample(0.0), samples=samples, after=sample(190.0, **after))


def test_a_soak_without_faults_is_right() -> None:
    assert wrong(course(flat, {}), counted()) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_leaking_worker_is_told(seed: int) -> None:
    leaking = noisy(1.0, seed, noise_mb=0.2)
    assert wrong(course(lambda second: leaking[int(second)], {}), counted()) == ["growth"]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param({"pid": 2}, "is the same process", id="a worker began anew"),
        pytest.param({"fds": 30}, "files at rest", id="files stay open"),
        pytest.param({"threads": 20}, "threads at rest", id="threads stay"),
        pytest.param({"tasks": 20}, "tasks at rest", id="tasks stay"),
        pytest.param({"upstreams": 1}, "upstream connections at rest", id="a connection stays"),
        pytest.param({"backlog_bytes": 1}, "traces waiting at the end", id="something is not stored"),
    ],
)
def test_what_stays_after_the_load_is_told(after: dict[str, object], expected: str) -> None:
    assert wrong(course(flat, after), counted()) == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"stored": {"fast": 899, "no-such-": 50}}, "traces stored", id="a call without a trace"),
        pytest.param({"stored": {"fast": 903, "no-such-": 50}}, "traces stored", id="a call with two"),
        pytest.param(
            {"missing": 1}, "traces that clients were told of and nobody has", id="an id of nothing"
        ),
        pytest.param({"lost": 1}, "calls lost", id="a call that was lost"),
        pytest.param({"unexpected": 11}, "answers nobody expected", id="many odd answers"),
    ],
)
def test_books_that_are_wrong_are_told(changes: dict[str, object], expected: str) -> None:
    assert wrong(course(flat, {}), counted(**changes)) == [expected]


def test_a_call_that_may_never_have_arrived_may_have_a_trace() -> None:
    assert wrong(course(flat, {}), counted(stored={"fast": 901, "no-such-": 50})) == []


def test_traces_that_pass_through_the_spool_are_no_backlog() -> None:
    samples = [sample(second, backlog_bytes=int(second) * 1_000) for second in SECONDS]
    passing = verdict.Course(before=sample(0.0), samples=samples, after=sample(190.0))
    assert wrong(passing, counted()) == []


def test_series_and_a_backlog_that_grow_are_told() -> None:
    samples = [sample(second, series=900 + int(second), late_bytes=int(second) * 1_000) for second in SECONDS]
    growing = verdict.Course(before=sample(0.0), samples=samples, after=sample(190.0))
    assert wrong(growing, counted()) == ["series in /metrics", "traces waiting to be stored"]


def test_a_worker_that_is_too_large_is_told() -> None:
    assert wrong(course(lambda _: 151.0, {}), counted()) == ["most memory"]


@pytest.mark.parametrize("number", range(4))
def test_what_is_asked_is_what_is_told_of_it(number: int) -> None:
    drawn = mix.Drawn(
        number=number, chance=SeededChance(number), renamed="renamed-1", embedder="e", reranker="r"
    )
    for make in mix.MIX:
        call = make(drawn)
        assert call.path.startswith("/v1/")
        assert not call.name or call.name in call.path or call.name.encode() in call.body
