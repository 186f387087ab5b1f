"""Metrics of calls for Prometheus: few, with labels that cannot grow without bound.

Every worker counts by itself and writes what it counted to a file now and then; whichever worker is scraped
answers for all, each under its own `worker` label: so a restart is a counter that begins anew, as
Prometheus expects, and no sum ever falls.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

import msgspec

from buttress.kernel.spans import Span
from buttress.kernel.usage import NANO
from buttress.tracing.types import Trace

UNKNOWN = "unknown"
"""The feature of calls that were refused because there is no such feature: names come from outside."""

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)
"""Upper bounds of the buckets of times."""

_HELP = b"\n# HELP "
"""What each family of metrics begins with; in no other place stands a bare line break before it."""

_BOUNDS = (*map(str, SECONDS), "+Inf")

_PARTS = ("cache_write_1h", "sound")
"""Counts of a usage that are a part of another one: they are no class of tokens."""


class Family(msgspec.Struct, frozen=True, eq=False):
    """A metric: its name, what it says, and its labels beside `worker`, that of whom it is first.

    Each is itself alone (`eq=False`): so it is a key of dictionaries that costs nothing.
    """

    name: str
    text: str
    labels: tuple[str, ...] = ()


CALLS = Family("calls", "Calls by how they ended.", ("feature", "outcome"))
SENTENCES = Family(
    "sentences", "Sentences of answers by what they stand on, withheld ones too.", ("feature", "standing")
)
ATTEMPTS = Family("attempts", "Tries at models by how they ended.", ("model", "outcome"))
TOKENS = Family("tokens", "Tokens by their class.", ("model", "kind"))
COST = Family("cost_dollars", "Money for attempts whose cost is known.", ("model",))
LATE = Family(
    "missed_budgets", "Calls that took longer than their feature's latency budget.", ("feature", "limit")
)
LOOKUPS = Family("cache_lookups", "Calls of what has a cache by what it gave.", ("feature", "outcome"))
SAVED_TOKENS = Family("cache_saved_tokens", "Tokens of answers that were not made anew.", ("feature",))
SAVED = Family("cache_saved_dollars", "Money for answers that were not made anew, where known.", ("feature",))
UNPRICED = Family("unpriced_attempts", "Attempts whose cost nobody knows.", ("model",))
ALERTS = Family("alerts", "Alerts that were raised, by what they are about.", ("kind",))
COUNTERS = (CALLS, SENTENCES, LATE, LOOKUPS, SAVED_TOKENS, SAVED, ATTEMPTS, TOKENS, COST, UNPRICED, ALERTS)

DURATION = Family("call_duration_seconds", "From the question to the end.", ("feature",))
FIRST = Family("first_token_seconds", "Of an attempt that was answered.", ("model",))
HISTOGRAMS = (DURATION, FIRST)

RUNNING = Family("calls_running", "Calls under way.")
TASKS = Family("tasks", "Tasks of the event loop: what grows for ever is a leak.")
UPSTREAMS = Family("upstream_connections", "Connections to upstreams, lent or kept.")
LEASES = Family("leases", "Accounts of budgets of which money is held.")
LEASED = Family("leased_dollars", "Money that may be spent without asking the ledger.")
RESERVED = Family("reserved_dollars", "Money set aside for attempts under way, in all accounts together.")
USED = Family("budget_used_ratio", "Of a budget's account that has spent most: the share spent.", ("budget",))
ASSUMED = Family("budget_assumed_dollars", "Of the same: what killed processes may have spent.", ("budget",))
BEHIND = Family("ledger_missing_grants", "Grants that the database has forgotten: it was restored.")
UNTOLD = Family("untold_settlement_bytes", "Settlements of all processes that the ledger was not told yet.")

Present = Mapping[Family, Mapping[tuple[str, ...], float]]
"""What is so now: of each family the value of each of its labels."""

NOTHING: Present = {}


class _Times:
    """A histogram of one series: how many fell into each bucket, and their sum."""

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum_s += seconds


class Metrics:
    """What one worker counted: plain sums, which become metrics when somebody looks."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._sums: dict[Family, dict[tuple[str, ...], float]] = {one: {} for one in COUNTERS}
        self._times: dict[Family, dict[str, _Times]] = {one: {} for one in HISTOGRAMS}
        self._kept: frozenset[str] = frozenset()

    def observe(self, trace: Trace) -> None:
        """Count a call that has ended, or is lost; of a lost one it is not known how long it took.

        A summary is no call, as nobody waits for it: its attempts are counted.
        """
        if trace.kind == "summary":
            for attempt in trace.attempts:
                self._attempt(attempt)
            return
        is_known = trace.release_id or (trace.kind == "model" and trace.outcome != "refused")
        feature = trace.feature if is_known else UNKNOWN
        self._add(CALLS, 1, feature, trace.outcome)
        if trace.outcome == "lost":
            return
        self._time(DURATION, trace.duration_ms / 1000, feature)
        for standing, count in trace.support.items():
            self._add(SENTENCES, count, feature, standing)
        if trace.spans:
            self._steps(trace.spans, feature)
        for attempt in trace.attempts:
            self._attempt(attempt)

    def _steps(self, spans: Sequence[Span], feature: str) -> None:
        for limit in _missed(spans):
            self._add(LATE, 1, feature, limit)
        for recalled in _recalled(spans):
            self._add(LOOKUPS, 1, feature, recalled.outcome)
            self._add(SAVED_TOKENS, recalled.tokens, feature)
            self._add(SAVED, recalled.nanodollars / NANO, feature)

    def count_alert(self, kind: str) -> None:
        """Count an alert of `kind`, of which there are few."""
        self._add(ALERTS, 1, kind)

    def keep(self, names: Iterable[str]) -> None:
        """Forget the series of features and models that have none of `names`, and had none the last time.

        Their last counts can be scraped until then. Else they would grow for as long as files are edited.
        """
        now = frozenset({*names, UNKNOWN})
        stay = now | self._kept
        for family, sums in self._sums.items():
            self._sums[family] = {
                labels: count for labels, count in sums.items() if labels[0] in stay or family is ALERTS
            }
        for family, times in self._times.items():
            self._times[family] = {label: one for label, one in times.items() if label in stay}
        self._kept = now

    def text(self, present: Present = NOTHING) -> bytes:
        """Return everything in Prometheus's text format, with what is so at `present`."""
        lines = [*self._counted(), *self._timed(), *self._present(present), ""]
        return "\n".join(lines).encode()

    def _attempt(self, attempt: Mapping[str, object]) -> None:
        model = str(attempt["model"])
        self._add(ATTEMPTS, 1, model, str(attempt["outcome"]))
        usage, cost, first_ms = attempt.get("usage"), attempt.get("cost"), attempt.get("first_token_ms")
        tokens = self._sums[TOKENS]
        for kind, count in usage.items() if isinstance(usage, dict) else ():
            if kind not in _PARTS:
                tokens[model, kind] = tokens.get((model, kind), 0) + count
        if isinstance(cost, int):
            self._add(COST, cost / NANO, model)
        else:
            self._add(UNPRICED, 1, model)
        if isinstance(first_ms, float) and attempt["outcome"] == "answered":
            self._time(FIRST, first_ms / 1000, model)

    def _add(self, family: Family, amount: float, *labels: str) -> None:
        sums = self._sums[family]
        sums[labels] = sums.get(labels, 0) + amount

    def _time(self, family: Family, seconds: float, label: str) -> None:
        times = self._times[family]
        if label not in times:
            times[label] = _Times()
        times[label].add(seconds)

    def _counted(self) -> Iterator[str]:
        for family, sums in self._sums.items():
            name = f"buttress_{family.name}_total"
            yield from _head(name, family.text, "counter")
            for labels, count in sums.items():
                yield f"{name}{{{self._labels(family, labels)}}} {count}"

    def _timed(self) -> Iterator[str]:
        for family, times in self._times.items():
            name = f"buttress_{family.name}"
            yield from _head(name, family.text, "histogram")
            for label, one in times.items():
                labels = self._labels(family, (label,))
                counts = list(accumulate(one.counts))
                for bound, count in zip(_BOUNDS, counts, strict=True):
                    yield f'{name}_bucket{{{labels},le="{bound}"}} {count}'
                yield f"{name}_count{{{labels}}} {counts[-1]}"
                yield f"{name}_sum{{{labels}}} {one.sum_s}"

    def _present(self, present: Present) -> Iterator[str]:
        for family, values in present.items():
            name = f"buttress_{family.name}"
            yield from _head(name, family.text, "gauge")
            for labels, value in values.items():
                yield f"{name}{{{self._labels(family, labels)}}} {value}"

    def _labels(self, family: Family, values: tuple[str, ...]) -> str:
        pairs = zip(("worker", *family.labels), (self._worker, *values), strict=True)
        return ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in pairs)


_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
"""How Prometheus's text format writes what would end a label."""


class _Recalled(msgspec.Struct, frozen=True):
    """What the cache gave one call."""

    outcome: str
    tokens: int = 0
    nanodollars: int = 0


def _recalled(spans: Iterable[Span]) -> Iterator[_Recalled]:
    """Yield what the steps `recall` and `follow` note of the cache: at most one thing that it gave."""
    told = {span.name: span.data for span in spans if span.name in {"recall", "follow"}}
    looked = told.get("recall", {})
    given = next((data for data in (told.get("follow", {}), looked) if "of" in data), None)
    if given is not None:
        outcome = str(given.get("recalled", "shared"))
        yield _Recalled(outcome, _whole(given.get("saved_tokens")), _whole(given.get("saved_nanodollars")))
    elif "cache" in looked:
        yield _Recalled("shadow" if "would_recall" in looked else "miss")
    elif "skipped" in looked:
        yield _Recalled("skip")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _missed(spans: Iterable[Span]) -> Iterator[str]:
    """Yield the limits of a latency budget that a call did not keep, as its step `send` notes them."""
    for span in spans:
        limits = span.data.get("latency")
        for limit, told in limits.items() if isinstance(limits, dict) else ():
            if told["missed"]:
                yield limit


def _head(name: str, text: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def merged(texts: Iterable[bytes]) -> bytes:
    """Return what several workers counted as one text; their samples differ by the label `worker`.

    Line by line, and not through objects: with a hundred models those held up a worker's calls for a sixth
    of a second, at each scrape.
    """
    families: dict[bytes, bytes] = {}
    for text in texts:
        for family in (b"\n" + text).split(_HELP)[1:]:
            name = family.partition(b" ")[0]
            head, kind, samples = [*family.rstrip(b"\n").split(b"\n", 2), b""][:3]
            known = families.get(name, _HELP + head + b"\n" + kind)
            families[name] = known + b"\n" + samples if samples else known
    return b"".join(families.values()).removeprefix(b"\n") + b"\n"
