"""The same Idempotency-Key over workers, `kill -9` and restarts: the same answer, paid for once."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping

import aiohttp
import msgspec
import pytest

from buttress.app.layout import run_folder
from buttress.processes.status import read_status
from buttress.processes.types import State
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.doors import PATIENCE
from tests.flows.running import Served, kill, serve_models
from tests.flows.threads import in_thread
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WORKERS = ("calls-1", "calls-2")
CLIENTS = 50
SETTINGS = """\
models: {first_token_timeout_s: 60, idle_timeout_s: 60}
access: {idempotency: {owner_timeout_s: 3, store_timeout_s: 20, open_timeout_s: 20}}
"""
MODELS = 'models:\n  m: {{provider: openai, id: m, base_url: "{url}"}}\n'


class Got(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stand(msgspec.Struct, frozen=True):
    """A project that is served, and the upstream of its model."""

    served: Served
    upstream: ScriptedUpstream

    def asked(self, question: str) -> int:
        """Return how often the model was asked that."""
        return sum(one.question == question for one in self.upstream.received)

    async def ask(self, key: str, question: str, *, stream: bool = False) -> Got:
        """Ask on a connection of its own: the system gives it to any of the workers."""
        body = {"model": "m", "messages": [{"role": "user", "content": question}], "stream": stream}
        url = f"{self.served.url}/v1/chat/completions"
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.post(url, json=body, headers={"Idempotency-Key": key}) as response,
        ):
            return Got(response.status, response.headers, await response.read())

    async def is_asked(self, question: str) -> None:
        """Wait until the model is asked that."""
        await until(lambda: self.asked(question), 30, f"it is asked {question}")

    def pids(self) -> set[int | None]:
        """Return the processes of the workers."""
        return {self.served.pid_of(name) for name in WORKERS}

    async def workers_die(self) -> None:
        """Kill every worker with -9, and wait until others have taken their place."""
        before = self.pids()
        assert all(kill(pid) for pid in before)
        await until(lambda: self._are_ready() and not before & self.pids(), 60, "the workers are back")

    def _are_ready(self) -> bool:
        found = {one.name: one.state for one in read_status(run_folder(self.served.project))}
        return all(found.get(name) is State.READY for name in WORKERS)


def _answer(received: Received) -> Reply:
    """Take a moment, long enough for all to have asked; or for ever."""
    return Reply(first_delay_s={"for ever?": 3_600.0, "slowly?": 2.0}.get(received.question, 0.3))


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Two workers before one model."""
    with in_thread(ScriptedUpstream(_answer)) as upstream:
        models, folder = MODELS.format(url=upstream.url), tmp_path_factory.mktemp("once")
        with serve_models(folder, models, "--workers", "2", settings=SETTINGS) as served:
            yield Stand(served, upstream)


@pytest.mark.parametrize("stream", [False, True])
async def test_fifty_at_once_over_two_workers_are_one(stand: Stand, *, stream: bool) -> None:
    question = f"all at once, {stream=}?"
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(stand.ask(f"fifty-{stream}", question, stream=stream)) for _ in range(CLIENTS)
        ]
    told = [task.result() for task in tasks]
    assert Counter(one.status for one in told) == {200: CLIENTS}
    assert len({one.body for one in told}) == 1
    assert sum("idempotent-replayed" in one.headers for one in told) == CLIENTS - 1
    assert len({one.headers["x-buttress-trace-id"] for one in told}) == 1
    assert stand.asked(question) == 1


async def test_what_was_answered_outlives_its_workers_and_what_was_not_is_not_paid_twice(
    stand: Stand,
) -> None:
    first = await stand.ask("answered", "before?")
    async with asyncio.TaskGroup() as group:
        cut = group.create_task(_cut(stand))
        await stand.is_asked("for ever?")
        await stand.workers_die()
        assert await cut
        again = await stand.ask("answered", "before?")
        lost = await stand.ask("lost", "for ever?")
        other = await stand.ask("another", "after?")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    error = msgspec.json.decode(lost.body, type=dict[str, dict[str, object]])["error"]
    assert (lost.status, error["code"]) == (409, "access.idempotency_lost")
    assert lost.headers["x-should-retry"] == "false"
    assert other.status == 200
    assert (stand.asked("before?"), stand.asked("for ever?")) == (1, 1)


async def _cut(stand: Stand) -> bool:
    """Ask what is never answered; say whether the connection broke."""
    try:
        await stand.ask("lost", "for ever?")
    except aiohttp.ClientError:
        return True
    return False


async def test_a_database_that_is_killed_meanwhile_loses_no_answer(stand: Stand) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stand.ask("meanwhile", "slowly?"))
        await stand.is_asked("slowly?")
        assert kill(stand.served.pid_of("postgres"))
    first = task.result()

    again: list[Got] = []

    async def is_kept() -> bool:
        again.append(await stand.ask("meanwhile", "slowly?"))
        return again[-1].status == 200

    await until(is_kept, 60)
    assert first.status == 200
    assert (again[-1].body, again[-1].headers["idempotent-replayed"]) == (first.body, "true")
    assert stand.asked("slowly?") == 1
