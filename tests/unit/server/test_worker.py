"""The call worker as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from buttress.app.layout import run_folder
from buttress.kernel.clock import SystemClock
from buttress.processes.announcing import Announcer, replace_file, said_file
from buttress.processes.identity import process_identity
from buttress.processes.status import read_said
from buttress.processes.types import SUPERVISOR, ChildStatus, State, Supervised
from buttress.server.worker import column_of, waiting_for
from tests.unit.server.serving import write_project
from tests.waiting import wait_until

HEAVY = ("any_llm", "lancedb", "pyarrow", "onnxruntime", "tokenizers", "numpy", "selectolax", "pypdfium2")
MAX_MEMORY_BYTES = 150 << 20

WORKER = """
import asyncio, json, sys
from pathlib import Path
from buttress.server.worker import run_calls
from buttress.settings.loading import load_settings

asyncio.run(run_calls(load_settings(Path(sys.argv[1]), flags=["server.port=0"]), "calls-1"))
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


@contextmanager
def worker(project: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a call worker without a supervisor for the block, ready from its beginning."""
    command = [sys.executable, "-c", WORKER, str(project), *HEAVY]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: process.poll() is not None or address_of(project, process.pid), 20)
            yield process
        finally:
            process.kill()


def address_of(project: Path, pid: int) -> str:
    """Return where the worker listens; empty until it is ready."""
    said = read_said(run_folder(project), "calls-1")
    return said.address if said and said.ready and said.pid == pid else ""


def ask(address: str, feature: str) -> str:
    """Ask by curl-like means, and return the body."""
    request = (
        "import sys, urllib.request as r; "
        "q = r.Request(sys.argv[1], data=sys.argv[2].encode(), method='POST'); "
        "print(r.urlopen(q, timeout=20).read().decode())"
    )
    body = '{"input": {"question": "When is a first payment refunded?"}}'
    command = [sys.executable, "-c", request, f"{address}/v1/features/{feature}", body]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_worker_stays_light_whatever_it_is_asked(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    with worker(project) as process:
        for _ in range(3):
            # No engine runs: the worker must not load one itself, but answer with the fallback.
            assert "knowledge.engine_away" in ask(address_of(project, process.pid), "support")
            assert "the model that was to write it failed" in ask(address_of(project, process.pid), "chat")
        assert psutil.Process(process.pid).memory_info().rss < MAX_MEMORY_BYTES
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[0].splitlines()[-1] == "[]"  # behind what it logged
    assert process.returncode == 0


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_closes_what_it_opened(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    with worker(project) as process:
        ask(address_of(project, process.pid), "chat")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert read_said(run_folder(project), "calls-1") is None
    # Nothing is left open: where the database could be had, all of it was shipped.
    assert ".open" not in [path.suffix for path in (project / ".buttress" / "spool").iterdir()]


@pytest.mark.slow
def test_a_worker_whose_port_is_taken_says_so_and_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code = WORKER.replace("server.port=0", f"server.port={port}")
        command = [sys.executable, "-c", code, str(write_project(tmp_path))]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_a_worker_waits_for_every_role_but_itself(tmp_path: Path) -> None:
    clock = SystemClock()
    engine, own, other = (Announcer(tmp_path, name, clock) for name in ("engine", "calls-1", "calls-2"))
    engine.say(ready=False, message="loading the model")
    own.say(ready=False, message="compiling the features")
    other.say(ready=True)
    assert waiting_for(tmp_path, "calls-1") == {"engine": "loading the model"}
    engine.say(ready=True)
    assert waiting_for(tmp_path, "calls-1") == {}


def test_a_role_that_says_not_why_is_waited_for_by_its_state(tmp_path: Path) -> None:
    Announcer(tmp_path, "engine", SystemClock()).say(ready=False)
    assert waiting_for(tmp_path, "calls-1") == {"engine": "not_ready"}


def test_an_optional_role_is_not_waited_for(tmp_path: Path) -> None:
    me = process_identity(os.getpid()) or ""
    states = {"engine": False, "local-model": True}
    children = tuple(
        ChildStatus(name=name, state=State.WAITING, message="it fell", optional=optional)
        for name, optional in states.items()
    )
    ours = Supervised(pid=os.getpid(), process=me, started_at=SystemClock().now(), children=children)
    replace_file(said_file(tmp_path, SUPERVISOR), msgspec.json.encode(ours))
    assert waiting_for(tmp_path, "calls-1") == {"engine": "it fell"}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param("calls-1", 0, id="the first of several"),
        pytest.param("calls-64", 63, id="the last that there may be"),
        pytest.param("calls", 0, id="one by itself"),
        pytest.param("calls-0", 0, id="a name of somebody's own"),
        pytest.param("calls-x", 0, id="another one"),
    ],
)
def test_each_worker_has_a_column_of_its_own(name: str, column: int) -> None:
    assert column_of(name) == column
