"""`buttress serve`: what is refused before anything starts; tests/flows has the processes themselves."""

import os
import socket
from pathlib import Path

import msgspec
import pytest

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL
from buttress.cli.serve import MAX_SAID, ROLES, Report, handed_over, taken_over
from buttress.kernel.clock import SystemClock
from buttress.processes.announcing import replace_file, said_file
from buttress.processes.identity import process_identity
from buttress.processes.status import read_said, read_status
from buttress.processes.types import SUPERVISOR, ChildStatus, State, Supervised
from tests.unit.cli.conftest import Run


def break_feature(project: Path) -> None:
    """Leave a feature that does not compile."""
    (project / "features" / "support" / "feature.yaml").write_text("stages: 7\n")


def test_a_project_with_mistakes_starts_nothing(run: Run, project: Path) -> None:
    break_feature(project)
    ran = run("--project", project, "serve", "--port", "0")
    assert (ran.code, ran.out) == (2, "")
    assert "feature.yaml:1" in ran.err
    assert not run_folder(project).exists()
    assert not (project / ".buttress" / "postgres").exists()


@pytest.mark.parametrize("role", [role for role in ROLES if role != LOCAL_MODEL])
@pytest.mark.slow
def test_a_role_alone_says_in_a_line_what_is_wrong(command: Run, project: Path, role: str) -> None:
    break_feature(project)
    (project / "knowledge" / "docs.yaml").write_text("sources: 7\n")
    ran = command("--project", project, "serve", "--role", role)
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    assert "docs.yaml" in ran.err


@pytest.mark.slow
def test_call_workers_say_in_a_line_what_is_wrong_with_a_feature(command: Run, project: Path) -> None:
    break_feature(project)
    ran = command("--project", project, "serve", "--role", "calls", "--port", "0")
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert "feature.yaml:1" in ran.err


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        pytest.param("{provider: extractive}", "models.yaml names no model", id="there is none"),
        pytest.param("{provider: local, path: no.gguf}", "local model it: No such file", id="no file"),
        pytest.param("{provider: local, path: models.yaml}", "local model it is not a GGUF", id="no GGUF"),
    ],
)
@pytest.mark.slow
def test_a_local_model_that_cannot_be_is_told_in_a_line(
    command: Run, project: Path, entry: str, what: str
) -> None:
    (project / "models.yaml").write_text(f"models: {{it: {entry}}}\n")
    ran = command("--project", project, "serve", "--role", "local-model")
    assert (ran.code, ran.out) == (1, "")
    assert what in ran.err
    assert "Traceback" not in ran.err
    said = read_said(run_folder(project), LOCAL_MODEL)
    assert said is not None
    assert what in said.message
    assert "gguf" not in said.message


def test_what_falls_all_day_is_said_once_until_it_was_ready(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(["calls-1"], "http://127.0.0.1:1")
    fell = ChildStatus(name="local-model", state=State.WAITING, message="it fell", optional=True)
    for _ in range(3):
        report(fell)
    report(ChildStatus(name="calls-1", state=State.READY))
    assert capsys.readouterr() == ("ready: http://127.0.0.1:1\n", "local-model: waiting: it fell\n")
    report(ChildStatus(name="local-model", state=State.READY, optional=True))
    report(fell)
    assert capsys.readouterr() == ("", "local-model: waiting: it fell\n")


def test_reasons_that_differ_each_time_are_not_remembered_for_ever(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Report(["calls-1"], "http://127.0.0.1:1")
    told = [
        ChildStatus(name="calls-1", state=State.WAITING, message=f"it fell {number} s after its start")
        for number in range(MAX_SAID + 1)
    ]
    for fell in [*told, told[-1], told[0]]:
        report(fell)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told) + 1  # the last one was still known, the first one no more
    assert lines[-1] == lines[0]


def test_a_port_that_is_taken(run: Run, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("--project", project, "serve", "--port", str(taken.getsockname()[1]))
    assert (ran.code, ran.out) == (1, "")
    assert "error: cannot listen on 127.0.0.1:" in ran.err
    assert not (project / ".buttress" / "postgres").exists()


def test_a_project_that_is_served_already(run: Run, project: Path) -> None:
    process = process_identity(os.getpid())
    assert process is not None
    ours = Supervised(pid=os.getpid(), process=process, started_at=SystemClock().now(), children=())
    replace_file(said_file(run_folder(project), SUPERVISOR), msgspec.json.encode(ours))
    ran = run("--project", project, "serve", "--port", "0")
    assert (ran.code, ran.out) == (1, "")
    assert f"already, by process {os.getpid()}" in ran.err


def test_where_others_reach_us_nothing_is_started_without_being_told(run: Run, project: Path) -> None:
    ran = run("--project", project, "--set", "server.host=0.0.0.0", "serve", "--port", "0", "--no-auth")
    assert (ran.code, ran.out) == (1, "")
    assert "server.remote_without_keys" in ran.err
    assert "buttress keys create" in ran.err
    assert not run_folder(project).exists()


def test_a_host_that_is_not_this_machine(run: Run, project: Path) -> None:
    flags = ("--set", "server.host=192.0.2.1")
    ran = run("--project", project, *flags, "serve", "--port", "0")
    assert (ran.code, ran.out) == (1, "")
    assert "server.host_unknown" in ran.err


@pytest.mark.slow
def test_a_database_that_cannot_be_had_ends_what_was_started_beside_it(command: Run, project: Path) -> None:
    flag = "storage.database_url=env:NO_SUCH_VARIABLE"
    ran = command("--project", project, "--set", flag, "serve", "--port", "0")
    assert ran.out == ""
    assert "error: " in ran.err
    assert "NO_SUCH_VARIABLE" in ran.err
    assert "Traceback" not in ran.err
    assert [one for one in read_status(run_folder(project)) if one.state is not State.DEAD] == []


def test_settings_are_handed_over_to_every_child_and_again_after_a_restart() -> None:
    flags = ["storage.database_url=env:X", "server.port=1", "models.note=é"]
    with handed_over(flags) as descriptor:
        for _ in range(3):
            assert taken_over(os.dup(descriptor)) == flags
        assert os.fstat(descriptor).st_nlink == 0
        assert not os.get_inheritable(descriptor)


def test_settings_that_nobody_handed_over(run: Run, project: Path) -> None:
    ran = run("--project", project, "serve", "--role", "engine", "--settings-fd", "999")
    assert (ran.code, ran.out) == (2, "")
    assert "(cli.misused)" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--port", "65536"], id="no port"),
        pytest.param(["--workers", "0"], id="no worker"),
        pytest.param(["--role", "cook"], id="no role"),
    ],
)
def test_what_cannot_be_is_refused(run: Run, project: Path, arguments: list[str]) -> None:
    ran = run("--project", project, "serve", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "(cli.misused)" in ran.err
