"""Killing the local model: the very process that announced itself; and which budget is there to be spent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL
from buttress.app.project import declared_budgets
from buttress.console.drills import budget_to_spend, kill_local_model
from buttress.kernel.usage import NanoDollars
from buttress.processes.announcing import said_file
from buttress.processes.identity import process_identity
from buttress.processes.types import Said
from buttress.spend.budgets import Budget
from tests.projects import EXAMPLE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        running.kill()


def announce(project: Path, pid: int, identity: str) -> None:
    """Write what a local model says of itself."""
    path = said_file(run_folder(project), LOCAL_MODEL)
    path.parent.mkdir(parents=True)
    said = Said(
        name=LOCAL_MODEL,
        pid=pid,
        process=identity,
        ready=True,
        message="",
        address="",
        started_at=NOW,
        said_at=NOW,
    )
    path.write_bytes(msgspec.json.encode(said))


def test_the_model_is_killed(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    announce(tmp_path, process.pid, process_identity(process.pid) or "")
    assert kill_local_model(tmp_path) == process.pid
    assert process.wait(10) == -signal.SIGKILL
    assert kill_local_model(tmp_path) is None


def test_a_later_process_of_its_pid_is_let_live(tmp_path: Path) -> None:
    announce(tmp_path, os.getpid(), "another boot:1")
    assert kill_local_model(tmp_path) is None


def test_without_a_model_nothing_happens(tmp_path: Path) -> None:
    assert kill_local_model(tmp_path) is None


def test_a_budget_is_spent_that_is_for_nothing_else() -> None:
    drilled = Budget(name="demo", limit=NanoDollars(1), window="day", where={"tag.drill": "spend"})
    others = [
        msgspec.structs.replace(drilled, where={}),
        msgspec.structs.replace(drilled, where={"tag.drill": "slow"}),
        msgspec.structs.replace(drilled, where={"tag.drill": "spend", "tenant": "acme"}),
        msgspec.structs.replace(drilled, hard=False),
        msgspec.structs.replace(drilled, per=("user",)),
    ]
    assert budget_to_spend(others) == ""
    assert budget_to_spend([*others, drilled]) == "demo"


def test_the_example_has_one() -> None:
    assert budget_to_spend(declared_budgets(EXAMPLE)) == "demo"
