"""Limits over two workers: one limit, whichever of them a request comes to; followed while they run."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.flows.running import Served, kill, serve
from tests.unit.server.serving import write_project
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LIMITS = "limits:\n  each-user: {per: [user], requests_per_minute: 20}\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = write_project(tmp_path_factory.mktemp("limits") / "project")
    (folder / "limits.yaml").write_text(LIMITS)
    with serve(folder, "--workers", "2") as running:
        yield running


async def asked(served: Served, user: str, times: int) -> Counter[int]:
    """Ask so often at once, each on a connection of its own, and return the statuses."""

    async def once(session: aiohttp.ClientSession) -> int:
        body = {"input": {"question": "When do you open?"}, "user": user}
        async with session.post(f"{served.url}/v1/features/chat", json=body) as response:
            await response.read()
            if response.status == 429:
                assert 1 <= int(response.headers["retry-after"]) <= 60
            return response.status

    timeout, connector = aiohttp.ClientTimeout(total=30), aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        return Counter(await asyncio.gather(*(once(session) for _ in range(times))))


async def test_two_workers_let_in_as_many_as_one_limit_says(served: Served) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    statuses = await asked(served, "ada", 60)
    refilled = int((loop.time() - begin) / 3) + 1
    assert 20 <= statuses[200] <= 20 + refilled
    assert set(statuses) == {200, 429}
    assert (await asked(served, "ben", 5)) == {200: 5}


async def test_a_worker_that_is_killed_takes_no_limit_with_it(served: Served) -> None:
    assert (await asked(served, "cleo", 40))[429] > 0
    before = served.pid_of("calls-1")
    kill(before)
    await until(lambda: served.pid_of("calls-1") not in (before, None), 30)
    assert (await asked(served, "cleo", 10))[429] > 0


def write(project: Path, text: str) -> None:
    (project / "limits.yaml").write_text(text)


async def test_a_changed_limit_holds_soon_and_a_mistake_in_it_changes_nothing(served: Served) -> None:
    write(served.project, LIMITS + "  zoe: {where: {user: zoe}, requests_per_minute: 1}\n")

    async def is_limited() -> bool:
        return (await asked(served, "zoe", 4))[429] == 4

    await until(is_limited, 30)
    write(served.project, "limits: {zoe: {requests_per_minute: 0}}\n")

    async def is_said() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{served.url}/readyz") as response:
            return "limits.zoe.requests_per_minute" in (await response.json())["problem"]

    await until(is_said, 30)
    assert (await asked(served, "zoe", 4))[429] == 4
    assert (await asked(served, "emma", 15)) == {200: 15}
