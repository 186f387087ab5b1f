"""The engine of another process: the same promises, and what happens when it dies."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from buttress.knowledge.engine.client import RemoteEngine
from buttress.knowledge.engine.server import serve_engine
from buttress.knowledge.engine.wire import Address, read_address, write_address
from buttress.knowledge.errors import EngineAway, EngineRefused, EngineTimeout, TooMuchAsked
from buttress.knowledge.ports import Engine
from buttress.knowledge.settings import EngineSettings
from buttress.testing.contracts.engine import SETTINGS, EngineContract, ask, fill_index, local_engine
from buttress.testing.embedding import HashedWords, SlowWords
from tests.waiting import until

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, sys
from pathlib import Path
from buttress.knowledge.engine.server import serve_engine
from buttress.testing.contracts.engine import SETTINGS, local_engine
from buttress.testing.embedding import HashedWords

async def main(folder):
    engine = local_engine(folder / "index", HashedWords())
    await engine.warm()
    async with serve_engine(engine, folder / "engine.json", SETTINGS):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main(Path(sys.argv[1])))
"""

Start = Callable[[], subprocess.Popen[str]]


class TestRemoteEngine(EngineContract):
    """Over a loopback connection."""

    @pytest.fixture
    async def engine(self, tmp_path: Path) -> AsyncIterator[Engine]:
        """Return the client of an engine over a filled index."""
        embedder = HashedWords()
        await fill_index(tmp_path / "index", embedder)
        local, run_file = local_engine(tmp_path / "index", embedder), tmp_path / "engine.json"
        async with serve_engine(local, run_file, SETTINGS), RemoteEngine(run_file, SETTINGS) as remote:
            yield remote


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts an engine process and waits until it is ready."""
    started: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
async def test_an_engine_that_was_killed_and_started_again_is_found(tmp_path: Path, start: Start) -> None:
    """In between, calls fail at once and may be tried again; afterwards they work, on the new port."""
    await fill_index(tmp_path / "index", HashedWords())
    async with RemoteEngine(tmp_path / "engine.json", SETTINGS) as engine:
        for _ in range(2):
            process = await asyncio.to_thread(start)
            assert (await engine.search(ask("roses"))).passages
            process.kill()
            process.wait()
            with pytest.raises(EngineAway) as away:
                await engine.search(ask("roses"))
            assert away.value.retryable
        await asyncio.to_thread(start)
        assert (await engine.search(ask("roses"))).passages


async def test_who_waits_hears_at_once_that_the_engine_is_gone(tmp_path: Path) -> None:
    """Nobody waits for the timeout."""
    embedder, run_file = SlowWords(), tmp_path / "engine.json"
    local = local_engine(tmp_path / "index", embedder)
    await local.warm()

    async def three_run() -> bool:
        return (await local.status()).running == 3

    async with RemoteEngine(run_file, SETTINGS) as engine, asyncio.TaskGroup() as group:
        async with serve_engine(local, run_file, SETTINGS):
            waiting = [group.create_task(failing(engine)) for _ in range(3)]
            await until(three_run)
        assert [await one for one in waiting] == ["knowledge.engine_away"] * 3
        embedder.may_go_on.set()


async def failing(engine: Engine) -> str:
    """Return the code of the error that a call ends with."""
    try:
        await engine.embed(["a"])
    except EngineAway as error:
        return error.code
    return ""


async def test_no_run_file_means_no_engine(tmp_path: Path) -> None:
    """And so does one that is none, or that nobody listens behind."""
    run_file = tmp_path / "engine.json"
    async with RemoteEngine(run_file, SETTINGS) as engine:
        with pytest.raises(EngineAway, match=r"engine\.json"):
            await engine.status()
        run_file.write_text("{")
        with pytest.raises(EngineAway, match=r"engine\.json"):
            await engine.status()
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            write_address(run_file, Address(host="127.0.0.1", port=unused.getsockname()[1], token="t", pid=1))
            with pytest.raises(EngineAway, match="gone"):
                await engine.status()


async def test_something_else_behind_the_port_is_no_engine(tmp_path: Path) -> None:
    """A port is soon used by another program: whoever talks otherwise, or not at all."""
    said = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    over = asyncio.Semaphore(0)

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read(-1 if said == b"" else 1)
        writer.close()
        await writer.wait_closed()
        over.release()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    run_file = tmp_path / "engine.json"
    port: int = server.sockets[0].getsockname()[1]
    write_address(run_file, Address(host="127.0.0.1", port=port, token="t", pid=1))
    settings = EngineSettings(connect_timeout_s=0.2)
    async with server, RemoteEngine(run_file, settings) as engine:
        with pytest.raises(EngineAway):
            await engine.status()
        said = b"\x00\x00\x00\x08\x81\xa4type\xa1\xff"  # a frame, but its text is none
        with pytest.raises(EngineAway, match="gone"):
            await engine.status()
        said = b""
        with pytest.raises(EngineAway, match="does not answer"):
            await engine.status()
        for _ in range(3):
            await over.acquire()


async def test_a_wrong_token_is_said(tmp_path: Path) -> None:
    """It is not taken for an engine that is away: trying again would not help."""
    run_file = tmp_path / "engine.json"
    async with serve_engine(local_engine(tmp_path, HashedWords()), run_file, SETTINGS) as address:
        write_address(run_file, Address(host=address.host, port=address.port, token="old", pid=1))
        async with RemoteEngine(run_file, SETTINGS) as engine:
            with pytest.raises(EngineRefused):
                await engine.status()


async def test_a_late_answer_is_not_waited_for(tmp_path: Path) -> None:
    """The call ends with its number, the work over there too, and the connection serves the next call."""
    embedder, run_file = SlowWords(), tmp_path / "engine.json"
    local = local_engine(tmp_path / "index", embedder)
    await local.warm()
    impatient = EngineSettings(call_timeout_s=0.1)
    async with serve_engine(local, run_file, SETTINGS), RemoteEngine(run_file, impatient) as engine:
        with pytest.raises(EngineTimeout, match=r"0\.1 s"):
            await engine.embed(["a"])
        assert (await engine.status()).running == 0
        embedder.may_go_on.set()
        assert len((await engine.embed(["a"])).vectors) == 1


@pytest.mark.slow
async def test_a_question_larger_than_a_frame_is_not_sent(tmp_path: Path) -> None:
    """It would end the connection, and with it everybody's calls."""
    run_file = tmp_path / "engine.json"
    small = EngineSettings(max_frame_bytes=1 << 16)
    async with (
        serve_engine(local_engine(tmp_path, HashedWords()), run_file, small),
        RemoteEngine(run_file, small) as engine,
    ):
        with pytest.raises(TooMuchAsked, match="65536"):
            await engine.embed(["x" * 70_000])
        assert len((await engine.embed(["x"])).vectors) == 1


async def test_all_calls_share_one_connection(tmp_path: Path) -> None:
    """Also when the first hundred begin at the same moment."""
    run_file = tmp_path / "engine.json"
    settings = EngineSettings(max_waiting=200)
    local = local_engine(tmp_path / "index", HashedWords(), settings)
    async with serve_engine(local, run_file, settings), RemoteEngine(run_file, settings) as engine:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(engine.embed([str(number)])) for number in range(100)]
        expected = HashedWords().embed([str(number) for number in range(100)])
        for call, row in zip(calls, expected, strict=True):
            assert call.result().vectors[0] == pytest.approx(row.tolist())
        assert read_address(run_file).port
