"""Where the local model is, and one of our own: real processes that are killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from buttress.app.layout import log_folder, run_folder
from buttress.app.local_model import (
    LOCAL_MODEL,
    OwnModel,
    ServedModel,
    address_file,
    announced_address,
    is_served,
    local_model,
    own_model,
)
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished
from buttress.models.errors import (
    LocalModelAway,
    LocalModelBroken,
    LocalModelMissing,
    StreamCut,
    WindowExceeded,
)
from buttress.models.types import LocalAddress
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.processes.announcing import Announcer, replace_file, said_file
from buttress.processes.identity import process_identity
from buttress.processes.types import SUPERVISOR, ChildStatus, State, Supervised
from buttress.testing.contracts.provider import collect, text_of
from tests.local_models import LONG, ask, load_project, needs_model, provider_of, write_models
from tests.waiting import until

HERE = LocalAddress(url="http://127.0.0.1:1", token="a-token", pid=os.getpid())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with nothing but a local model."""
    write_models(tmp_path)
    return tmp_path


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    """Give sessions that are closed at the end."""
    async with Sessions(OutboundSettings()) as opened:
        yield opened


def announce(run_dir: Path, *, ready: bool = True, address: LocalAddress | None = HERE) -> None:
    """Say what the local model's process would."""
    Announcer(run_dir, LOCAL_MODEL, SystemClock()).say(ready=ready)
    if address:
        replace_file(address_file(run_dir), msgspec.json.encode(address))


def supervise(project: Path, *names: str) -> None:
    """Say what a supervisor of these children would."""
    children = tuple(ChildStatus(name=name, state=State.STARTING) for name in names)
    process = process_identity(os.getpid()) or ""
    ours = Supervised(pid=os.getpid(), process=process, started_at=SystemClock().now(), children=children)
    replace_file(said_file(run_folder(project), SUPERVISOR), msgspec.json.encode(ours))


def test_a_project_has_a_local_model_when_models_yaml_names_one(project: Path) -> None:
    found = local_model(project)
    assert found is not None
    assert (found.name, found.window_tokens) == ("small", 2_048)
    (project / "models.yaml").write_text("models: {quotes: {provider: extractive}}\n")
    assert local_model(project) is None
    (project / "models.yaml").write_text("models: 7\n")
    assert local_model(project) is None
    (project / "models.yaml").unlink()
    assert local_model(project) is None


async def test_a_process_that_is_ready_is_found(project: Path) -> None:
    announce(run_folder(project))
    assert await ServedModel(project).address() == HERE
    assert address_file(run_folder(project)).stat().st_mode & 0o077 == 0


def test_one_that_is_not_there_or_not_ready_is_away(tmp_path: Path) -> None:
    with pytest.raises(LocalModelAway, match="does not run"):
        announced_address(tmp_path)
    announce(tmp_path, address=None)
    with pytest.raises(LocalModelAway, match="not ready"):
        announced_address(tmp_path)
    announce(tmp_path, ready=False)
    with pytest.raises(LocalModelAway, match="not ready"):
        announced_address(tmp_path)
    announce(tmp_path, address=msgspec.structs.replace(HERE, pid=1))  # left by one that was killed
    with pytest.raises(LocalModelAway, match="not ready"):
        announced_address(tmp_path)


def test_it_is_served_by_a_supervisor_or_by_itself(project: Path) -> None:
    assert not is_served(project)
    announce(run_folder(project))
    assert is_served(project)
    supervise(project, "engine")
    assert not is_served(project)
    supervise(project, "engine", LOCAL_MODEL)
    assert is_served(project)


async def test_a_served_one_is_used_and_no_other_is_started(project: Path) -> None:
    supervise(project, LOCAL_MODEL)
    async with own_model(load_project(project)) as own:
        with pytest.raises(LocalModelAway, match="does not run"):
            await own.address()
        announce(run_folder(project))
        assert await own.address() == HERE
    assert not log_folder(project).exists()


async def test_it_does_not_begin_where_others_serve_it_or_there_is_none(project: Path) -> None:
    supervise(project, LOCAL_MODEL)
    async with own_model(load_project(project)) as own:
        own.begin()
    supervise(project)
    (project / "models.yaml").write_text("models: {quotes: {provider: extractive}}\n")
    async with own_model(load_project(project)) as own:
        own.begin()
    assert not log_folder(project).exists()


@needs_model
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_it_may_begin_before_it_is_needed(project: Path) -> None:
    async with own_model(load_project(project)) as own:
        own.begin()
        await until(log_folder(project).exists, 60)
        own.begin()
        pid = await pid_of(own)
    assert process_identity(pid) is None


async def test_an_error_of_the_block_stays_what_it_is(project: Path) -> None:
    with pytest.raises(LookupError):
        async with own_model(load_project(project)):
            raise LookupError


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", LocalModelBroken, id="an empty file"),
        pytest.param(b"<html>", LocalModelBroken, id="something else"),
        pytest.param(None, LocalModelMissing, id="no file"),
    ],
)
async def test_a_file_that_is_no_model_is_said_at_once(
    project: Path, content: bytes | None, error: type[ButtressError]
) -> None:
    write_models(project, "mine.gguf")
    if content is not None:
        (project / "mine.gguf").write_bytes(content)
    async with own_model(load_project(project)) as own:
        own.begin()
        with pytest.raises(error, match="the file of the local model small"):
            await own.address()
    assert not log_folder(project).exists()


@pytest.mark.slow
async def test_a_file_that_cannot_be_run_is_said_to_be_broken_and_not_waited_for(project: Path) -> None:
    (project / "mine.gguf").write_bytes(b"GGUF and then nothing of the kind")
    write_models(project, "mine.gguf")
    async with own_model(load_project(project)) as own:
        for _ in range(3):
            with pytest.raises(LocalModelBroken, match="cannot be loaded") as raised:
                await own.address()
            assert "mine" not in raised.value.message
    assert "cannot be loaded" in (log_folder(project) / f"{LOCAL_MODEL}.log").read_text()


async def pid_of(own: object) -> int:
    """Return the process of our own model."""
    assert isinstance(own, OwnModel)
    return (await own.address()).pid


@needs_model
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_our_own_starts_when_it_is_needed_and_ends_with_the_block(
    project: Path, sessions: Sessions
) -> None:
    loaded = load_project(project)
    async with own_model(loaded) as own:
        assert not log_folder(project).exists()
        provider, _ = provider_of(loaded, own, sessions)
        events = await collect(provider, ask())
        assert text_of(events)
        last = events[-1]
        assert isinstance(last, Finished)
        assert last.model == "small"
        assert last.usage is not None
        assert 0 < last.usage.output <= 16
        with pytest.raises(WindowExceeded):
            await collect(provider, ask("a word " * 5_000))
        pid = await pid_of(own)
        assert process_identity(pid)
    assert process_identity(pid) is None
    assert not run_folder(project).exists()


@needs_model
@pytest.mark.long
@pytest.mark.timeout(300)
async def test_killed_in_the_middle_of_an_answer_it_is_cut_then_away_then_back(
    project: Path, sessions: Sessions
) -> None:
    loaded = load_project(project)
    async with own_model(loaded) as own:
        provider, gate = provider_of(loaded, own, sessions)
        stream = provider.stream(ask(LONG, 1_500))
        await anext(stream)
        os.kill(await pid_of(own), signal.SIGKILL)
        with pytest.raises(StreamCut):
            async for _ in stream:
                pass
        assert gate.taken == 0
        with pytest.raises(LocalModelAway):
            await collect(provider, ask())
        async with asyncio.timeout(60):
            while True:
                with suppress(LocalModelAway):
                    assert text_of(await collect(provider, ask()))
                    break
                await asyncio.sleep(0.05)


@needs_model
@pytest.mark.long
@pytest.mark.timeout(300)
async def test_eight_streams_side_by_side_all_end_and_left_ones_free_the_server(
    project: Path, sessions: Sessions
) -> None:
    loaded = load_project(project, "models.local.queue_length=6")
    async with own_model(loaded) as own:
        provider, gate = provider_of(loaded, own, sessions)
        await collect(provider, ask())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(collect(provider, ask(f"Count to {n}."))) for n in range(8)]
        assert all(isinstance(task.result()[-1], Finished) for task in tasks)
        async with asyncio.TaskGroup() as group:
            left = [group.create_task(collect(provider, ask(LONG, 1_500))) for _ in range(8)]
            await until(lambda: gate.taken == 8, 60)
            for task in left:
                task.cancel()
        assert gate.taken == 0
        assert text_of(await collect(provider, ask()))


PARENT = """
import asyncio, sys
from pathlib import Path
from buttress.app.local_model import own_model
from buttress.settings.loading import load_settings

async def main():
    async with own_model(load_settings(Path(sys.argv[1]), environment={})) as own:
        await own.address()
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def started(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for the block that has a local model of its own."""
    command = [sys.executable, "-c", PARENT, str(project)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        try:
            yield parent
        finally:
            parent.kill()


@needs_model
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("while_loading", [True, False], ids=["while it loads", "when it serves"])
async def test_a_killed_parent_leaves_no_child(project: Path, *, while_loading: bool) -> None:
    with started(project) as parent:
        if not while_loading:
            assert parent.stdout
            await asyncio.to_thread(parent.stdout.readline)
        await until(lambda: psutil.Process(parent.pid).children(), 60)
        (child,) = psutil.Process(parent.pid).children()
        folder = Path(child.cmdline()[-1])
        parent.kill()
        await until(lambda: process_identity(child.pid) is None, 20)
        await until(lambda: while_loading or not folder.exists(), 60)
