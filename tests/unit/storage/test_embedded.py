"""Our own server: starting, sharing, stopping, and whatever may have been killed in between."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from buttress.kernel.clock import Clock
from buttress.storage.binaries import SEARCH_PATH, command_as, find_binaries, server_account
from buttress.storage.embedded import EmbeddedServer, attach_server
from buttress.storage.errors import DiskFull, StartFailed, VersionMismatch
from buttress.storage.filelocks import try_lock
from buttress.storage.folder import MAX_LOG_BYTES, open_folder
from buttress.storage.settings import StorageSettings
from tests.waiting import wait_until

Attached = Callable[[Path], subprocess.Popen[str]]
Spawn = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
SETTINGS = StorageSettings(start_timeout_s=20)

ATTACH_AND_SAY_SO = """
import sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.embedded import attach_server
from buttress.storage.settings import StorageSettings
print("begun", flush=True)
server = attach_server(Path(sys.argv[1]), StorageSettings(), SystemClock())
print("attached", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Iterator[Path]:
    """A project, whose server is ended with the test."""
    folder = tmp_path / "project"
    folder.mkdir()
    yield folder
    if (folder / ".buttress" / "postgres" / "data").exists():
        attach_server(folder, SETTINGS, clock).detach()
    assert not is_running(folder)


def data_of(project: Path) -> Path:
    """Return the data folder."""
    return project / ".buttress" / "postgres" / "data"


def postmaster(project: Path) -> int:
    """Return the pid of the server."""
    return int((data_of(project) / "postmaster.pid").read_text().split()[0])


def is_running(project: Path) -> bool:
    """Say whether any process of the server lives."""
    lock = try_lock(project / ".buttress" / "postgres" / "server.lock")
    if lock:
        lock.release()
    return lock is None


def has_ended(pid: int) -> bool:
    """Say whether a process has ended; pid 1 may not have noticed yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ask(server: EmbeddedServer, question: bytes) -> list[tuple[object, ...]]:
    """Ask the database; what is written is committed."""
    folder = str(server.socket_folder)
    with psycopg.connect(host=folder, port=5432, user="postgres", dbname="postgres") as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


def test_the_server_is_started_once_and_stopped_by_the_last_to_leave(project: Path, clock: Clock) -> None:
    """Two holders in one process count as two."""
    one = attach_server(project, SETTINGS, clock)
    pid = postmaster(project)
    two = attach_server(project, SETTINGS, clock)
    assert postmaster(project) == pid
    one.detach()
    one.detach()
    assert ask(two, b"select 1") == [(1,)]
    two.detach()
    assert not is_running(project)
    assert has_ended(pid)


def test_what_was_written_is_there_the_next_time(project: Path, clock: Clock) -> None:
    """Stop and start keep the data; text is UTF-8 and knows its capitals."""
    server = attach_server(project, SETTINGS, clock)
    ask(server, b"create table t as select 'caf\\u00e9'::text as word")
    ask(server, "insert into t values ('ärger')".encode())
    server.detach()
    server = attach_server(project, SETTINGS, clock)
    assert ask(server, b"select upper(word) from t where word like '%rger'") == [("ÄRGER",)]
    server.detach()


def test_two_processes_that_start_at_once_share_one_server(project: Path, attached: Attached) -> None:
    """Whoever comes second waits, also for the data to be made."""
    with ThreadPoolExecutor() as threads:
        processes = list(threads.map(attached, [project] * 3))
    pids = [one.pid for one in psutil.process_iter() if is_postmaster_of(one, project)]
    assert pids == [postmaster(project)]
    for process in processes[:-1]:
        process.communicate()
        assert is_running(project)
    processes[-1].communicate()
    assert not is_running(project)


def is_postmaster_of(process: psutil.Process, project: Path) -> bool:
    """Say whether a process is the first of a server on this data."""
    try:
        parent = process.parent()
        of_server = process.name() == "postgres" and Path(process.cwd()) == data_of(project)
        return of_server and (parent is None or parent.name() != "postgres")
    except psutil.Error:
        return False


def test_a_process_that_is_killed_leaves_the_server_to_the_others(
    project: Path, attached: Attached, clock: Clock
) -> None:
    """Nobody has to clean up after it, and the last one still stops the server."""
    starter = attached(project)
    server = attach_server(project, SETTINGS, clock)
    pid = postmaster(project)
    starter.kill()
    starter.wait()
    assert ask(server, b"select 1") == [(1,)]
    server.detach()
    wait_until(lambda: has_ended(pid))


def test_a_server_that_outlived_all_its_users_is_taken_over(
    project: Path, attached: Attached, clock: Clock
) -> None:
    """The only user is killed; the next one finds the server running."""
    starter = attached(project)
    starter.kill()
    starter.wait()
    pid = postmaster(project)
    server = attach_server(project, SETTINGS, clock)
    assert postmaster(project) == pid
    server.detach()
    assert not is_running(project)


def test_the_server_is_in_a_session_of_its_own(project: Path, attached: Attached) -> None:
    """Ctrl-C in the terminal of who started it does not reach it."""
    starter = attached(project)
    assert os.getsid(postmaster(project)) != os.getsid(starter.pid)
    starter.communicate()


@pytest.mark.parametrize("left_behind", ["a live program", "a zombie", "nobody", "nonsense"])
def test_a_killed_server_is_started_again_whoever_has_its_pid_now(
    project: Path, clock: Clock, left_behind: str
) -> None:
    """What was committed is there; the stale socket and pid file are not in the way."""
    server = attach_server(project, SETTINGS, clock)
    ask(server, b"create table t as select 42 as n")
    os.kill(postmaster(project), signal.SIGKILL)
    with subprocess.Popen(["true"]) as zombie:  # noqa: S607
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        pids = {"a live program": os.getpid(), "a zombie": zombie.pid, "nobody": 999_999_999}
        pid_file = data_of(project) / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(pids.get(left_behind, "nonsense")), *lines[1:], ""]))
        socket_lock = data_of(project).parent / ".s.PGSQL.5432.lock"
        socket_lock.write_text(f"{os.getpid()}\n")
        server.ensure_running()
    assert ask(server, b"select n from t") == [(42,)]
    server.detach()


def resume(process: psutil.Process) -> None:
    """Let a suspended process go on, if it is still there."""
    with suppress(psutil.NoSuchProcess):
        process.resume()


def test_children_that_outlive_the_killed_server_are_waited_for(project: Path, clock: Clock) -> None:
    """A stopped backend holds the shared memory; the server starts as soon as it is gone."""
    server = attach_server(project, SETTINGS, clock)
    pid = postmaster(project)
    child = psutil.Process(pid).children()[0]
    with ExitStack() as cleanup:
        child.suspend()
        cleanup.callback(resume, child)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid))
        threads = cleanup.enter_context(ThreadPoolExecutor())
        again = threads.submit(server.ensure_running)
        time.sleep(0.3)  # long enough for a start that does not wait to go wrong
        assert not again.done()
        child.resume()
        again.result(timeout=10)
    assert ask(server, b"select 1") == [(1,)]
    server.detach()


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15, 0.3, 0.45])
def test_a_process_killed_while_it_makes_the_server_is_no_harm(
    project: Path, spawn: Spawn, clock: Clock, after_s: float
) -> None:
    """In the middle of initdb, of the start, or after it."""
    starter = spawn(ATTACH_AND_SAY_SO, str(project))
    assert starter.stdout is not None
    assert starter.stdout.readline() == "begun\n"
    time.sleep(after_s)  # the moment is the parameter
    starter.kill()
    starter.wait()
    server = attach_server(project, SETTINGS, clock)
    assert ask(server, b"select 1") == [(1,)]
    assert not (data_of(project).parent / "data.new").exists()
    server.detach()


def test_data_that_was_only_half_made_is_made_again(project: Path, clock: Clock) -> None:
    """It has another name until it is whole."""
    half = open_folder(project).new_data
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = attach_server(project, SETTINGS, clock)
    assert ask(server, b"select 1") == [(1,)]
    server.detach()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a b", id="a blank"),
        pytest.param("it's \"$(exit 1)`exit 1`\\ ;,", id="what a shell and a list would read"),
        pytest.param("prüfung-日本", id="other letters"),
        pytest.param("long" * 50, id="too long for a socket"),
    ],
)
def test_any_path_will_do_also_inside_a_closed_folder(tmp_path: Path, clock: Clock, name: str) -> None:
    """And nobody's folder has its mode changed."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / name).mkdir(mode=0o700)
    server = attach_server(closed / name, SETTINGS, clock)
    assert ask(server, b"select 1") == [(1,)]
    assert (server.socket_folder / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    server.detach()
    assert closed.stat().st_mode & 0o777 == (closed / name).stat().st_mode & 0o777 == 0o700


def test_a_socket_that_was_cleaned_away_is_made_again(project: Path, clock: Clock) -> None:
    """Temporary folders are swept by others."""
    server = attach_server(project, SETTINGS, clock)
    (server.socket_folder / ".s.PGSQL.5432").unlink()
    server.ensure_running()
    assert ask(server, b"select 1") == [(1,)]
    server.detach()


def test_a_server_started_by_hand_is_used(project: Path, clock: Clock) -> None:
    """A second one on the same data would destroy it."""
    attach_server(project, SETTINGS, clock).detach()
    command = [find_binaries().program("pg_ctl"), "-s", "-w", "start"]
    subprocess.run(
        command_as(server_account(data_of(project)), command),
        env={"PATH": SEARCH_PATH, "PGDATA": str(data_of(project))},
        cwd="/",
        stdout=subprocess.DEVNULL,
        check=True,
    )
    pid = postmaster(project)
    server = attach_server(project, SETTINGS, clock)
    assert postmaster(project) == pid
    assert ask(server, b"select 1") == [(1,)]
    server.detach()
    assert has_ended(pid)


def test_a_start_that_fails_says_the_servers_last_words(project: Path, clock: Clock) -> None:
    """And names the folder."""
    attach_server(project, SETTINGS, clock).detach()
    config = data_of(project) / "postgresql.conf"
    good = config.read_text()
    config.write_text(good + "\nno_such_setting = 1\n")
    with pytest.raises(StartFailed, match=r"project/\.buttress/postgres did not start.*FATAL"):
        attach_server(project, SETTINGS, clock)
    config.write_text(good)


def test_data_of_another_version_is_refused(project: Path, clock: Clock) -> None:
    """With both versions in the message."""
    attach_server(project, SETTINGS, clock).detach()
    (data_of(project) / "PG_VERSION").write_text("12\n")
    with pytest.raises(VersionMismatch, match="PostgreSQL 12, installed is 18"):
        attach_server(project, SETTINGS, clock)
    (data_of(project) / "PG_VERSION").write_text("18\n")


def test_a_process_that_left_does_not_start_the_server_again(project: Path, clock: Clock) -> None:
    """A late reconnect must not bring back what nobody holds."""
    server = attach_server(project, SETTINGS, clock)
    server.detach()
    with pytest.raises(StartFailed, match="has left"):
        server.ensure_running()
    assert not is_running(project)


def test_a_large_log_begins_anew(project: Path, clock: Clock) -> None:
    """At the next start."""
    attach_server(project, SETTINGS, clock).detach()
    log = open_folder(project).log
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    attach_server(project, SETTINGS, clock).detach()
    assert 0 < log.stat().st_size < 100_000


def test_the_server_sees_none_of_our_environment(project: Path, spawn: Spawn) -> None:
    """Keys of providers live there."""
    starter = spawn(ATTACH_AND_SAY_SO, str(project), environment={"PROVIDER_KEY": "sk-very-secret"})
    assert starter.stdout is not None
    starter.stdout.readline()
    assert starter.stdout.readline() == "attached\n"
    assert "PROVIDER_KEY" not in psutil.Process(postmaster(project)).environ()


@as_root
def test_a_copy_made_by_root_works(project: Path, clock: Clock) -> None:
    """Its files belong to root at first, and may be open to others."""
    server = attach_server(project, SETTINGS, clock)
    ask(server, b"create table t as select 42 as n")
    server.detach()
    copy = project.parent / "copy"
    shutil.copytree(project, copy)
    data_of(copy).chmod(0o755)
    server = attach_server(copy, SETTINGS, clock)
    assert ask(server, b"select n from t") == [(42,)]
    server.detach()


def as_user(user: int, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a plain user, who may read everything: this Python may lie in root's home."""
    reads = "-all,+dac_read_search"
    keep = [f"--inh-caps={reads}", f"--ambient-caps={reads}", "--securebits=+no_setuid_fixup"]
    command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *keep]
    command += [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@as_root
def test_a_plain_user_needs_nothing_special(short_temporary: Path, clock: Clock) -> None:
    """The same program, run as another user; root may join, and the plain user come back."""
    user = 1
    folder = short_temporary / "project"
    folder.mkdir()
    os.chown(folder, user, user)
    code = ATTACH_AND_SAY_SO.replace("sys.stdin.read()", "server.detach()")
    for _ in range(2):
        assert as_user(user, code, str(folder)).stdout == "begun\nattached\n"
        assert data_of(folder).stat().st_uid == user
        server = attach_server(folder, SETTINGS, clock)
        assert psutil.Process(postmaster(folder)).uids().effective == user
        server.detach()


@as_root
def test_a_folder_of_somebody_else_is_refused_to_a_plain_user(short_temporary: Path) -> None:
    """One line that names the folder."""
    said = as_user(1, ATTACH_AND_SAY_SO, str(short_temporary)).stderr
    assert f"FolderUnusable: {short_temporary}/.buttress/postgres cannot be used" in said


@as_root
@pytest.mark.parametrize("left_mb", [0, 3, 30])
def test_a_full_disk_is_told_as_such(small_disk: Path, clock: Clock, left_mb: int) -> None:
    """Before anything is written, and where a database would begin and not end."""
    (small_disk / "ballast").write_bytes(bytes((120 - left_mb) * 1_000_000))
    if not left_mb:
        with (small_disk / "rest").open("wb") as rest, pytest.raises(OSError, match="No space"):
            rest.write(bytes(30_000_000))
    with pytest.raises(DiskFull, match=f"no space left for {small_disk}"):
        attach_server(small_disk, SETTINGS, clock)
    for ballast in small_disk.iterdir():
        if ballast.is_file():
            ballast.unlink()
    server = attach_server(small_disk, SETTINGS, clock)
    assert ask(server, b"select 1") == [(1,)]
    server.detach()
