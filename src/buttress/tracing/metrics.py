"""Metrics of calls for Prometheus: few, with labels that cannot grow without bound.

Every worker counts by itself and writes what it counted to a file now and then; whichever worker is scraped
answers for all, each under its own `worker` label: so a restart is a counter that begins anew, as
Prometheus expects, and no sum ever falls.
"""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from buttress.tracing.types import Trace

UNKNOWN = "unknown"
"""The feature of calls that were refused because there is no such feature: names come from outside."""

MAX_UNSUMMED = 10_000
"""Times that are kept before they are put into their histograms, should nobody look for long."""

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)


class Metrics:
    """What one worker counted."""

    def __init__(self, worker: str) -> None:
        self._registry = CollectorRegistry()
        self._worker = worker
        self._sums: dict[tuple[Counter, tuple[str, ...]], float] = {}
        self._times: list[tuple[Histogram, float, str]] = []
        by_feature = ("worker", "feature")
        by_model = ("worker", "model")
        self._calls = self._counter("calls", "Calls by how they ended.", (*by_feature, "outcome"))
        self._sentences = self._counter(
            "sentences",
            "Sentences of answers by what they stand on, withheld ones too.",
            (*by_feature, "standing"),
        )
        self._attempts = self._counter(
            "attempts", "Tries at models by how they ended.", (*by_model, "outcome")
        )
        self._tokens = self._counter("tokens", "Tokens by their class.", (*by_model, "kind"))
        self._cost = self._counter("cost_dollars", "Money for attempts whose cost is known.", by_model)
        self._unpriced = self._counter("unpriced_attempts", "Attempts whose cost nobody knows.", by_model)
        self._duration = self._histogram("call_duration_seconds", "From the question to the end.", by_feature)
        self._first = self._histogram("first_token_seconds", "Of an attempt that was answered.", by_model)
        self._running = Gauge(
            "buttress_calls_running", "Calls under way.", ("worker",), registry=self._registry
        ).labels(worker)

    def observe(self, trace: Trace) -> None:
        """Count a call that has ended, or is lost: into plain sums, which become metrics when somebody looks.

        Of a lost one it is not known how long it took.
        """
        is_known = trace.release_id or (trace.kind == "model" and trace.outcome != "refused")
        feature = trace.feature if is_known else UNKNOWN
        self._add(self._calls, 1, feature, trace.outcome)
        if trace.outcome == "lost":
            return
        self._times.append((self._duration, trace.duration_ms / 1000, feature))
        for standing, count in trace.support.items():
            self._add(self._sentences, count, feature, standing)
        for attempt in trace.attempts:
            self._attempt(attempt)
        if len(self._times) >= MAX_UNSUMMED:
            self._sum_up()

    def text(self, running: int = 0) -> bytes:
        """Return everything in Prometheus's text format; `running` is how many calls are under way now."""
        self._sum_up()
        self._running.set(running)
        return generate_latest(self._registry)

    def _attempt(self, attempt: Mapping[str, object]) -> None:
        model = str(attempt["model"])
        self._add(self._attempts, 1, model, str(attempt["outcome"]))
        usage, cost, first_ms = (attempt.get(key) for key in ("usage", "cost", "first_token_ms"))
        for kind, count in usage.items() if isinstance(usage, dict) else ():
            self._add(self._tokens, count, model, kind)
        if isinstance(cost, int):
            self._add(self._cost, cost / 1e9, model)
        else:
            self._add(self._unpriced, 1, model)
        if isinstance(first_ms, float) and attempt["outcome"] == "answered":
            self._times.append((self._first, first_ms / 1000, model))

    def _add(self, counter: Counter, amount: float, *labels: str) -> None:
        key = (counter, labels)
        self._sums[key] = self._sums.get(key, 0) + amount

    def _sum_up(self) -> None:
        sums, self._sums = self._sums, {}
        for (counter, labels), amount in sums.items():
            counter.labels(self._worker, *labels).inc(amount)
        times, self._times = self._times, []
        for histogram, seconds, label in times:
            histogram.labels(self._worker, label).observe(seconds)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"buttress_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(f"buttress_{name}", text, labels, registry=self._registry, buckets=_SECONDS)


def merged(texts: Iterable[bytes]) -> bytes:
    """Return what several workers counted as one text; their samples differ by the label `worker`."""
    families: dict[str, Metric] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            if family.name.endswith("_created"):
                continue  # when each series began: a line for each, that says little
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known.samples.extend(family.samples)
    return generate_latest(_Collected(families.values()))


class _Collected(Collector):
    """Families that were collected elsewhere."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families
