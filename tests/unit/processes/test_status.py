"""How roles are, read from the files they leave."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.clock import Clock
from buttress.processes.announcing import Announcer
from buttress.processes.identity import process_identity
from buttress.processes.status import read_said, read_status, read_supervised, role_status
from buttress.processes.types import ChildStatus, RoleStatus, Said, State, Supervised

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ME = process_identity(os.getpid()) or ""

SAY = """
import sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.processes.announcing import Announcer
Announcer(Path(sys.argv[1]), "engine", SystemClock()).say(ready=True)
"""


def said(*, ready: bool = True, process: str = ME, pid: int | None = None) -> Said:
    """Return the words of a role that lives as this process, unless said otherwise."""
    return Said(
        name="engine",
        pid=pid or os.getpid(),
        process=process,
        ready=ready,
        message="why",
        address="a",
        started_at=NOW,
        said_at=NOW,
    )


def child(state: State, pid: int | None = None) -> ChildStatus:
    """Return what a supervisor says."""
    return ChildStatus(name="engine", state=state, pid=pid or os.getpid(), message="its word", restarts=2)


@pytest.mark.parametrize(
    ("words", "of_supervisor", "state"),
    [
        pytest.param(said(), None, State.READY, id="alone and ready"),
        pytest.param(said(ready=False), None, State.NOT_READY, id="alone and not ready"),
        pytest.param(said(process="somebody else"), None, State.DEAD, id="its pid is another process now"),
        pytest.param(said(pid=999_999_999), None, State.DEAD, id="its process is gone"),
        pytest.param(None, None, State.DEAD, id="only its dead supervisor knew it"),
        pytest.param(None, child(State.STARTING), State.STARTING, id="it has not spoken yet"),
        pytest.param(said(), child(State.STARTING), State.READY, id="it spoke before it was noticed"),
        pytest.param(said(), child(State.STARTING, 1), State.STARTING, id="its predecessor spoke"),
        pytest.param(said(ready=False), child(State.READY), State.NOT_READY, id="ready once, not now"),
        pytest.param(said(process="x"), child(State.READY), State.DEAD, id="it fell a moment ago"),
        pytest.param(said(process="x"), child(State.WAITING), State.WAITING, id="it fell and will be back"),
        pytest.param(said(), child(State.STOPPING), State.STOPPING, id="it is being stopped"),
        pytest.param(
            said(), child(State.SILENT), State.SILENT, id="it was ready, and nothing is heard of it"
        ),
    ],
)
def test_what_is_made_of_two_words(
    words: Said | None, of_supervisor: ChildStatus | None, state: State
) -> None:
    """The role's own, and its living supervisor's."""
    assert role_status("engine", words, of_supervisor).state == state


@given(st.sampled_from([None, *State]))
def test_a_dead_process_is_never_ready(state: State | None) -> None:
    """Whatever was written down."""
    found = role_status("engine", said(process="gone"), child(state) if state else None)
    assert found.state not in (State.READY, State.NOT_READY)


def test_nothing_is_known_of_a_project_that_never_ran(tmp_path: Path) -> None:
    """No folder is needed."""
    assert read_status(tmp_path / "run") == []


def test_a_file_left_by_a_dead_process_is_recognised(tmp_path: Path, clock: Clock) -> None:
    """Beside one of a living process."""
    subprocess.run([sys.executable, "-c", SAY, str(tmp_path)], check=True)
    Announcer(tmp_path, "calls-1", clock).say(ready=True, address="here")
    found = {one.name: (one.state, one.address) for one in read_status(tmp_path)}
    assert found == {"engine": (State.DEAD, ""), "calls-1": (State.READY, "here")}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 1}', b"\xff\x00"])
def test_a_file_that_cannot_be_read_counts_as_dead(tmp_path: Path, content: bytes) -> None:
    """It is shown, not hidden, and breaks nothing."""
    (tmp_path / "engine.json").write_bytes(content)
    (tmp_path / "supervisor.json").write_bytes(content)
    (tmp_path / "supervisor.lock").write_bytes(content)
    assert [(one.name, one.state) for one in read_status(tmp_path)] == [("engine", State.DEAD)]
    assert read_said(tmp_path, "engine") is None
    assert read_supervised(tmp_path) is None


@pytest.mark.parametrize(
    ("process", "states"),
    [
        pytest.param(ME, ["ready", "waiting"], id="it lives"),
        pytest.param("gone", ["dead", "dead"], id="it is dead"),
    ],
)
def test_children_are_known_by_their_supervisor_while_it_lives(
    tmp_path: Path, process: str, states: list[str]
) -> None:
    """It comes first."""
    supervised = Supervised(
        pid=os.getpid(), process=process, started_at=NOW, children=(child(State.WAITING),)
    )
    (tmp_path / "supervisor.json").write_bytes(msgspec.json.encode(supervised))
    found: list[RoleStatus] = read_status(tmp_path)
    assert [one.name for one in found] == ["supervisor", "engine"]
    assert [one.state for one in found] == states
