"""64 streams at a time while the local model is killed twice: each ends well, or says what went wrong."""

from collections import Counter
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest

from buttress.app.local_model import LOCAL_MODEL
from buttress.app.storage import project_database
from buttress.kernel.clock import SystemClock
from buttress.processes.types import State
from buttress.settings.loading import load_settings
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from tests.flows.running import Served, kill, processes_of, say, serve, spooled_traces
from tests.flows.test_local_model import state_of
from tests.local_models import needs_model
from tests.long.clients import Asking, Clients, Seen, question
from tests.long.example import make_example
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STREAMS = 64
DEADLINE_S = 400.0
"""For one stream; more than `models.total_timeout_s`, after which a call ends by itself."""
PAUSE_S = 15.0
"""Between two streams of one client: without it the model would have no processor left to say a word."""
PATIENT = """
models: {first_token_timeout_s: 200, total_timeout_s: 300}
knowledge: {engine: {stage_timeout_s: 30, call_timeout_s: 60}}
"""
REFUSED_WITHIN_MS = 1_000
KILLED = {"models.local_away", "models.stream_cut"}
"""What the attempts that were under way tell of a kill, before and after the first word."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example, where nobody is late for sharing the machine."""
    project = tmp_path / "streaming under kills"
    make_example(project, PATIENT)
    return project


async def all_traces(project: Path) -> list[Trace]:
    """Return every trace that is stored."""
    async with project_database(load_settings(project), SystemClock()) as database:
        return await TraceStore(database).latest("default", limit=100_000)


@needs_model
async def test_every_stream_ends_well_or_honestly_while_the_model_is_killed_twice(project: Path) -> None:
    asked = count()
    clients = Clients("", lambda _: _asking(next(asked)), DEADLINE_S)
    with serve(project, "--workers", "1") as served:
        clients.url = served.url
        await until(lambda: state_of(served) is State.READY, 120, "the local model is ready")
        async with clients.asking(STREAMS, pause_s=PAUSE_S):
            await _kill_in_the_middle(served, clients)
            await _kill_in_the_middle(served, clients)
        await until(lambda: state_of(served) is State.READY, 120, "the local model is back")
        last = await clients.ask_once(_asking(1))  # of the feature that lets the model say all it will
    assert processes_of(project) == []
    assert spooled_traces(project) == []
    traces = {str(one.trace_id): one for one in await all_traces(project)}
    _tell(clients.seen, traces.values())
    _check_ends(clients.seen)
    _check_traces([*clients.seen, last], traces)
    _check_attempts([traces[one.trace_id] for one in clients.seen])
    assert _attempts([traces[last.trace_id]])[0] == ("small", "answered", None)


def _asking(number: int) -> Asking:
    """Return a stream: half of them by each door, half of these where the model's words are released."""
    way, feature = (number // 2) % 2, number % 2
    return Asking(
        way=("feature", "chat")[way],
        feature=("support", "written")[feature],
        question=question(number // 4),
        stream=True,
    )


async def _kill_in_the_middle(served: Served, clients: Clients) -> None:
    """Kill the local model while it answers somebody, and wait until its successor is ready."""
    await until(clients.in_the_middle, 240, "somebody is in the middle of a model's answer")
    before = served.pid_of(LOCAL_MODEL)
    say(f"killed with {len(clients.in_the_middle())} in the middle of {len(clients.seen)}")
    assert kill(before)
    await until(
        lambda: state_of(served) is State.READY and served.pid_of(LOCAL_MODEL) != before, 120, "it is back"
    )


def _check_ends(seen: list[Seen]) -> None:
    assert Counter(one.end for one in seen if one.end not in ("ended", "error")) == {}
    for one in seen:
        if one.end == "error":
            assert one.reason, one
        else:
            assert one.told, one
            assert one.text.strip(), one
            is_marked = one.told.support.get("unsupported", 0) + one.told.support.get("uncited", 0)
            assert one.told.citations or one.told.outcome == "fallback" or is_marked, one
            assert not (is_marked and one.asking.feature == "support"), one
            assert one.told.text in (None, one.text), one


def _check_traces(seen: list[Seen], traces: dict[str, Trace]) -> None:
    """Each call has one trace, and it tells what the client saw."""
    assert Counter(one.trace_id for one in seen) == Counter(list(traces))
    for one in seen:
        trace = traces[one.trace_id]
        assert trace.answer == one.text, one
        if one.told:
            assert (trace.outcome, trace.model) == (one.told.outcome, one.told.model)


def _check_attempts(traces: list[Trace]) -> None:
    """Who was before the model when it was killed knows it; who found no place went on at once."""
    attempts = [attempt for trace in traces for attempt in trace.attempts if attempt["model"] == "small"]
    assert any(one["outcome"] == "cut" for one in attempts)
    assert any(one["outcome"] == "failed" and one["error_code"] in KILLED for one in attempts)
    busy = [one for one in attempts if one["error_code"] == "models.busy"]
    assert len(busy) > len(traces) / 2
    waited_ms = [float(str(one["duration_ms"])) for one in busy]
    assert max(waited_ms) < REFUSED_WITHIN_MS
    assert all(trace.attempts[-1]["outcome"] == "answered" for trace in traces if trace.outcome == "answered")


def _attempts(traces: Iterable[Trace]) -> list[tuple[object, object, object]]:
    return [(one["model"], one["outcome"], one["error_code"]) for trace in traces for one in trace.attempts]


def _tell(seen: list[Seen], traces: Iterable[Trace]) -> None:
    took_s = sorted((one.ended_at or one.began_at) - one.began_at for one in seen)
    say(f"{len(seen)} streams {Counter(one.end for one in seen)}, the longest {took_s[-1]:.1f} s")
    say(f"half of them within {took_s[len(took_s) // 2]:.1f} s")
    say(f"outcomes {Counter((one.told.outcome, one.told.reason) for one in seen if one.told)}")
    for attempt, times in Counter(_attempts(traces)).most_common():
        say(f"{times:6} {attempt}")
