"""For five minutes anything of a `serve` is killed while clients ask: no call is lost, none is told twice.

The seed of its chance and the kills, in their order, are printed: put the seed into `SEED` to see them again.
"""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from buttress.app.layout import spool_folder
from buttress.app.local_model import LOCAL_MODEL
from buttress.app.storage import project_database
from buttress.kernel.chance import Chance, SeededChance
from buttress.kernel.clock import SystemClock
from buttress.processes.types import State
from buttress.settings.loading import load_settings
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace
from tests.flows.running import Served, buttress, kill, processes_of, say, serve, until_ready
from tests.flows.test_local_model import state_of
from tests.local_models import needs_model
from tests.long.clients import Asking, Clients, Seen, question
from tests.long.example import make_example
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

SEED: int | None = None
KILLING_S = 300.0
CLIENTS, PAUSE_S = 6, 0.3
LONGEST_PAUSE_S = 10.0
INGEST_EVERY_S = 15.0
READY_WITHIN_S = 120.0
DEADLINE_S = 60.0
ROLES = ("engine", "calls-1", "calls-2", "background", "postgres", LOCAL_MODEL) * 2 + ("supervisor",)
ARGUMENTS = ("--workers", "2")
SETTINGS = "knowledge: {engine: {stage_timeout_s: 10, call_timeout_s: 20}}\n"
TURNS = """
select conversation, array_agg(trace_id order by ordinal), array_agg(role order by ordinal)
from conversation_turns group by conversation
"""


class Killer:
    """Kills one process after the other; the supervisor is started again by us, since nobody else does."""

    def __init__(self, project: Path, chance: Chance, running: ExitStack) -> None:
        self._project = project
        self._chance = chance
        self._running = running
        self.killed: list[str] = []
        self.served = self._serve()

    def _serve(self) -> Served:
        return self._running.enter_context(serve(self._project, *ARGUMENTS, within_s=READY_WITHIN_S))

    async def kill_one(self, clients: Clients) -> None:
        """Wait a while, and kill whatever chance says."""
        await asyncio.sleep(self._chance.fraction() * LONGEST_PAUSE_S)
        role = ROLES[int(self._chance.fraction() * len(ROLES))]
        is_supervisor = role == "supervisor"
        was_there = kill(self.served.process.pid if is_supervisor else self.served.pid_of(role))
        self.killed.append(role if was_there else f"({role})")
        if is_supervisor:
            await asyncio.to_thread(self.served.process.wait, 10)
            self.served = await asyncio.to_thread(self._serve)
            clients.url = self.served.url


class Documents:
    """A document that is edited and read again now and then, while everything is killed."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self.version = 0
        self.ingests: Counter[int] = Counter()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Edit and ingest for the block, again and again."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._change(over))
            try:
                yield
            finally:
                over.set()

    async def _change(self, over: asyncio.Event) -> None:
        while not over.is_set():
            self.version += 1
            text = f"# Version\n\nThe newest version of this page is zebra{self.version}.\n"
            await asyncio.to_thread((self._project / "documents" / "version.md").write_text, text)
            done = await asyncio.to_thread(buttress, self._project, "ingest", within_s=240)
            assert "Traceback" not in done.stderr, done.stderr
            self.ingests[done.returncode] += 1
            try:
                async with asyncio.timeout(INGEST_EVERY_S):
                    await over.wait()
            except TimeoutError:
                continue


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example; a search is not given up for sharing the machine."""
    project = tmp_path / "killed for minutes"
    make_example(project, SETTINGS)
    return project


@needs_model
async def test_whatever_is_killed_for_five_minutes_no_call_is_lost(project: Path) -> None:
    seed = SeededChance().bits(32) if SEED is None else SEED
    chance, drawing = SeededChance(seed), SeededChance(seed + 1)
    say(f"seed {seed}")
    clients = Clients("", lambda number: _asking(number, drawing), DEADLINE_S)
    documents = Documents(project)
    with ExitStack() as running:
        killer = Killer(project, chance, running)
        clients.url = killer.served.url
        try:
            async with clients.asking(CLIENTS, pause_s=PAUSE_S), documents.changing():
                loop = asyncio.get_running_loop()
                ending = loop.time() + KILLING_S
                while loop.time() < ending:
                    await killer.kill_one(clients)
                await _calm(killer.served, clients)
        finally:
            say(f"seed {seed}; killed {' '.join(killer.killed)}")
            _tell(clients.seen, documents)
        _check_knowledge(project, documents)
        killer.served.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(killer.served.process.wait, 60) == 0
        assert processes_of(project) == []
    left = [path.name for path in spool_folder(project).iterdir() if path.suffix != ".lock"]
    assert [name for name in left if not name.endswith(".new")] == []
    traces = await _traces(project)
    say(f"{len(traces)} traces: {Counter(one.outcome for one in traces.values())}")
    _check_calls(clients.seen, traces)
    await _check_conversations(project, traces)


def _asking(number: int, chance: Chance) -> Asking:
    """Return what a client asks next; the first two have a conversation each."""
    conversation = f"c{number}" if number < 2 else None
    return Asking(
        way="feature" if conversation or chance.fraction() < 0.5 else "chat",
        feature="support" if chance.fraction() < 0.5 else "written",
        question=question(chance.bits(8)),
        stream=chance.fraction() < 0.7,
        conversation=conversation,
    )


async def _calm(served: Served, clients: Clients) -> None:
    """See everything come back, the local model too, and all clients get whole answers again."""
    await until_ready(served.url, READY_WITHIN_S)
    await until(lambda: state_of(served) is State.READY, READY_WITHIN_S, "the local model is back")
    calm_from = len(clients.seen)
    await until(lambda: _ended(clients.seen[calm_from:]) >= CLIENTS, READY_WITHIN_S, "whole answers")
    assert {one.end for one in clients.seen[calm_from:]} <= {"", "ended"}


def _ended(seen: list[Seen]) -> int:
    return sum(one.end == "ended" for one in seen)


def _tell(seen: list[Seen], documents: Documents) -> None:
    say(f"{len(seen)} questions: {Counter(one.end for one in seen)}; ingests {dict(documents.ingests)}")
    say(f"outcomes {Counter((one.told.outcome, one.told.model) for one in seen if one.told)}")
    say(f"what went wrong {Counter((one.end, one.reason[:60]) for one in seen if one.end != 'ended')}")


def _check_knowledge(project: Path, documents: Documents) -> None:
    """In the calm an ingest succeeds, leaves nothing to do, and the newest text is found."""
    assert buttress(project, "ingest", within_s=120).returncode == 0
    (report,) = json.loads(buttress(project, "ingest", "--json", within_s=120).stdout)
    assert [report[one] for one in ("added", "changed", "removed")] == [0, 0, 0]
    found = buttress(project, "search", "kestrel", "newest version of this page", "--json")
    assert f"zebra{documents.version}" in found.stdout, found.stdout + found.stderr
    assert f"zebra{documents.version - 1}." not in found.stdout
    doctor = buttress(project, "doctor", within_s=120)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


async def _traces(project: Path) -> dict[str, Trace]:
    async with project_database(load_settings(project), SystemClock()) as database:
        stored = await TraceStore(database).latest("default", limit=1_000_000)
    assert len({one.trace_id for one in stored}) == len(stored)
    return {str(one.trace_id): one for one in stored}


def _check_calls(seen: list[Seen], traces: dict[str, Trace]) -> None:
    """Who saw a call begin finds its trace; it tells what they saw, and what broke off is told as that."""
    assert any(trace.outcome == "lost" for trace in traces.values())
    began = [one for one in seen if one.trace_id]
    assert len({one.trace_id for one in began}) == len(began)
    assert [one for one in began if one.trace_id not in traces] == []
    for one in began:
        trace = traces[one.trace_id]
        if one.told:
            assert (trace.outcome, trace.answer) == (one.told.outcome, one.text), one
        else:
            assert one.end in ("error", "cut"), one
            assert trace.outcome == "lost" or trace.answer.startswith(one.text), (one, trace)
    for trace in traces.values():
        assert (trace.outcome == "lost") == (trace.error_code == "tracing.process_died")


async def _check_conversations(project: Path, traces: dict[str, Trace]) -> None:
    """The turns that are kept are pairs, in order, of calls that have a trace."""
    async with (
        project_database(load_settings(project), SystemClock()) as database,
        database.connection() as connection,
    ):
        rows = await (await connection.execute(TURNS)).fetchall()
    assert rows
    for _, ids, roles in rows:
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert ids[::2] == ids[1::2]
        assert len(set(ids)) == len(ids) / 2
        assert [one for one in ids if one not in traces] == []
