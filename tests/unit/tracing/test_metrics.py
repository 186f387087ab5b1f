"""Metrics: counted by worker, joined without loss."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from buttress.kernel.ids import ReleaseId
from buttress.kernel.spans import Span
from buttress.tracing.metrics import RUNNING, USED, Metrics, merged
from buttress.tracing.types import Outcome, Trace
from tests.unit.cli.test_printing import a_trace

ATTEMPT: dict[str, object] = {
    "model": "writer",
    "outcome": "answered",
    "usage": {"input": 7, "output": 3},
    "cost": 2_000_000_000,
    "first_token_ms": 120.0,
}


def values(text: bytes) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def changed(**changes: object) -> Trace:
    return msgspec.structs.replace(a_trace(), **{"release_id": ReleaseId("rel_1"), **changes})


def test_a_call_is_counted() -> None:
    metrics = Metrics("calls-1")
    metrics.observe(changed(outcome="fallback", support={"verbatim": 2, "withheld": 1}, attempts=[ATTEMPT]))
    found = values(metrics.text({RUNNING: {(): 3}, USED: {('a"b',): 0.5, ("c",): 2.0}}))
    assert found["buttress_calls_total", "support", "fallback", "calls-1"] == 1
    assert found["buttress_sentences_total", "support", "withheld", "calls-1"] == 1
    assert found["buttress_tokens_total", "input", "writer", "calls-1"] == 7
    assert found["buttress_cost_dollars_total", "writer", "calls-1"] == 2
    assert found["buttress_first_token_seconds_sum", "writer", "calls-1"] == 0.12
    assert found["buttress_calls_running", "calls-1"] == 3
    assert found["buttress_budget_used_ratio", 'a"b', "calls-1"] == 0.5
    assert found["buttress_budget_used_ratio", "c", "calls-1"] == 2


def test_a_latency_budget_that_was_missed_is_counted() -> None:
    metrics = Metrics("calls-1")
    limits = {"first_token_ms": {"missed": False}, "total_ms": {"missed": True}}
    found_in: list[dict[str, object]] = [{"latency": limits}, {"latency": limits}, {}]
    for data in found_in:
        span = Span(name="send", started_at=a_trace().started_at, start_ms=0.0, data=data)
        metrics.observe(changed(outcome="answered", attempts=[], spans=[span]))
    found = values(metrics.text())
    assert found["buttress_missed_budgets_total", "support", "total_ms", "calls-1"] == 2
    assert ("buttress_missed_budgets_total", "support", "first_token_ms", "calls-1") not in found


def test_a_lost_call_is_counted_without_a_duration() -> None:
    metrics = Metrics("background")
    metrics.observe(changed(outcome="lost", duration_ms=0.0, attempts=[]))
    found = values(metrics.text())
    assert found["buttress_calls_total", "support", "lost", "background"] == 1
    assert not [key for key in found if key[0] == "buttress_call_duration_seconds_count"]


def test_a_summary_is_no_call_and_its_tokens_count() -> None:
    metrics = Metrics("calls-1")
    metrics.observe(changed(kind="summary", attempts=[ATTEMPT]))
    found = values(metrics.text())
    assert not [key for key in found if key[0].startswith("buttress_call")]
    assert found["buttress_tokens_total", "input", "writer", "calls-1"] == 7


def test_an_unknown_cost_is_not_free() -> None:
    metrics = Metrics("calls-1")
    metrics.observe(changed(attempts=[{**ATTEMPT, "cost": None, "usage": None, "first_token_ms": None}]))
    found = values(metrics.text())
    assert found["buttress_unpriced_attempts_total", "writer", "calls-1"] == 1
    assert ("buttress_cost_dollars_total", "writer", "calls-1") not in found


def test_names_from_outside_are_no_labels() -> None:
    metrics = Metrics("calls-1")
    for number in range(50):
        metrics.observe(changed(feature=f"no-{number}", release_id=None, outcome="refused", attempts=[]))
    found = values(metrics.text())
    assert found["buttress_calls_total", "unknown", "refused", "calls-1"] == 50
    assert not any("no-" in part for key in found for part in key)


def test_names_that_are_edited_for_ever_do_not_grow_the_series() -> None:
    metrics, sizes = Metrics("calls-1"), list[int]()
    for number in range(10):
        metrics.observe(changed(feature=f"f-{number}", attempts=[{**ATTEMPT, "model": f"m-{number}"}]))
        metrics.keep([f"f-{number}", f"m-{number}"])
        sizes.append(len(values(metrics.text())))
    assert sizes[1:] == sizes[1:2] * 9
    found = values(metrics.text())
    assert found["buttress_calls_total", "f-9", "answered", "calls-1"] == 1
    assert not any(name in key for key in found for name in ("f-7", "m-7"))


def test_the_last_counts_of_a_name_can_be_scraped_after_it_is_gone() -> None:
    metrics = Metrics("calls-1")
    metrics.keep(["support"])
    metrics.observe(changed(outcome="answered", attempts=[]))
    metrics.keep(["help"])
    assert values(metrics.text())["buttress_calls_total", "support", "answered", "calls-1"] == 1
    metrics.keep(["help"])
    assert ("buttress_calls_total", "support", "answered", "calls-1") not in values(metrics.text())


def test_what_workers_counted_stands_under_one_head() -> None:
    workers = [Metrics("calls-1"), Metrics("calls-2")]
    for worker in workers:
        worker.observe(changed(feature='odd "name"\n# HELP me', attempts=[ATTEMPT]))
    told = merged(worker.text() for worker in workers)
    assert told.count(b"\n# TYPE buttress_calls_total counter\n") == 1
    assert told.count(b"\n# HELP ") + told.startswith(b"# HELP ") == told.count(b"# TYPE ")
    assert told.count(b"\nbuttress_calls_total{") == 2


@given(st.text(min_size=1), st.integers(0, 10**12))
def test_any_name_and_any_number_is_read_again(feature: str, duration_us: int) -> None:
    metrics = Metrics("calls-1")
    metrics.observe(changed(feature=feature, outcome="answered", attempts=[], duration_ms=duration_us / 1000))
    found = values(metrics.text())
    assert found["buttress_calls_total", feature, "answered", "calls-1"] == 1
    assert found["buttress_call_duration_seconds_sum", feature, "calls-1"] == duration_us / 1000 / 1000
    assert found["buttress_call_duration_seconds_bucket", feature, "+Inf", "calls-1"] == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["answered", "fallback", "failed"]), max_size=5), max_size=4))
def test_nothing_is_lost_when_workers_are_joined(outcomes: list[list[Outcome]]) -> None:
    workers = [Metrics(f"calls-{number}") for number in range(len(outcomes))]
    for worker, ended in zip(workers, outcomes, strict=True):
        for outcome in ended:
            worker.observe(changed(outcome=outcome, release_id=ReleaseId("rel_1"), attempts=[ATTEMPT]))
    texts = [worker.text() for worker in workers]
    joined = values(merged(texts))
    apart = {key: value for text in texts for key, value in values(text).items()}
    assert joined == apart


def test_alerts_are_counted_by_kind_and_stay_when_files_change() -> None:
    metrics = Metrics("background")
    for kind in ("budget", "budget", "cost"):
        metrics.count_alert(kind)
    for _ in range(3):
        metrics.keep(["support"])
    found = values(metrics.text())
    assert found["buttress_alerts_total", "budget", "background"] == 2
    assert found["buttress_alerts_total", "cost", "background"] == 1


def test_what_the_cache_gave_is_counted_with_what_it_saved() -> None:
    metrics = Metrics("calls-1")
    saved: dict[str, object] = {"of": "tr_1", "saved_tokens": 10, "saved_nanodollars": 2_000_000_000}
    for name, data in (
        ("recall", {"cache": "hit", "recalled": "exact", **saved}),
        ("follow", saved),
        ("recall", {"cache": "hit", "recalled": "semantic", **saved, "saved_nanodollars": None}),
        ("recall", {"cache": "miss", "would_recall": "tr_1"}),
        ("recall", {"cache": "miss", "reason": "caching.late"}),
        ("recall", {"skipped": "asked"}),
        ("recall", {}),
    ):
        span = Span(name=name, started_at=a_trace().started_at, start_ms=0.0, data=dict(data))
        metrics.observe(changed(attempts=[], spans=[span]))
    found = values(metrics.text())
    outcomes = ("exact", "shared", "semantic", "shadow", "miss", "skip")
    counted = {key[2]: count for key, count in found.items() if key[0] == "buttress_cache_lookups_total"}
    assert counted == dict.fromkeys(outcomes, 1)
    assert found["buttress_cache_saved_tokens_total", "support", "calls-1"] == 30
    assert found["buttress_cache_saved_dollars_total", "support", "calls-1"] == 4
