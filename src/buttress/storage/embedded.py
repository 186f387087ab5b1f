"""Our own PostgreSQL server: started once, shared by processes, stopped by the last one to leave.

Whether the server lives is asked of a lock, not of a pid: the server and all its processes inherit the
descriptor that holds `server.lock`. So a pid that is a zombie or was given to another program, and children
that outlive a killed postmaster for a moment, are told apart without guessing.

All of this blocks; call it in a thread.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from buttress.kernel.clock import Clock
from buttress.storage.binaries import SEARCH_PATH, Binaries, command_as, find_binaries, server_account
from buttress.storage.errors import DiskFull, StartFailed, VersionMismatch
from buttress.storage.filelocks import FileLock, try_lock, wait_for_lock
from buttress.storage.folder import (
    ServerFolder,
    bound_log,
    clear_stale,
    folder_errors,
    has_little_space,
    last_words,
    names_live_server,
    open_folder,
    own,
    pid_file_lines,
    remove_tree,
    require_space,
    server_config,
    socket_folder,
    takes_connections,
)
from buttress.storage.settings import StorageSettings

_POLL_S = 0.03
_STOP_TIMEOUT_S = 30
_NAMELESS = "could not look up effective user ID"
_NAMELESS_HINT = (
    "PostgreSQL wants a name for the user it runs as: give this one a line in /etc/passwd, start as another "
    "user, or set `storage.database_url`."
)
_INCLUDE = "\ninclude_if_exists 'buttress.conf'\n"
_STILL_ENDING = "pre-existing shared memory block"


class EmbeddedServer:
    """The server of one project, as one process sees it: attached from the start until `detach`."""

    def __init__(self, folder: ServerFolder, settings: StorageSettings, clock: Clock) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._attached: FileLock | None = None

    def attach(self) -> None:
        """Hold the server, and start it when it does not run.

        Raises:
            BinariesMissing, SetprivMissing: something has to be installed.
            FolderUnusable, DiskFull: the folder cannot be written.
            VersionMismatch: the data belongs to another version.
            StartFailed: the server did not start; the message holds its last words.
        """
        with self._starting(), folder_errors(self._folder.root):
            self._attached = wait_for_lock(self._folder.attached_lock, self._clock, 5.0, shared=True)
            with ExitStack() as undo:
                undo.callback(self._let_go)
                self._make_it_run()
                undo.pop_all()

    def ensure_running(self) -> None:
        """Start the server again if it was killed; nothing happens when it runs. Errors as for `attach`."""
        with self._starting(), folder_errors(self._folder.root):
            if self._attached is None:
                raise StartFailed(f"this process has left the server in {self._folder.root}")
            self._make_it_run()

    def detach(self) -> None:
        """Let go of the server, and stop it when nobody else holds it; a second time does nothing."""
        if self._attached is None:
            return
        with self._starting(), folder_errors(self._folder.root):
            self._let_go()
            last = try_lock(self._folder.attached_lock)
            if last:
                with last:
                    self._stop()

    @property
    def socket_folder(self) -> Path:
        """Where the running server's socket is: the server says so itself, in its pid file."""
        lines = pid_file_lines(self._folder.data)
        return Path(lines[4]) if len(lines) > 4 and lines[4] else self._folder.root

    def _let_go(self) -> None:
        if self._attached:
            self._attached.release()
        self._attached = None

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Be the only one who starts or stops the server."""
        with folder_errors(self._folder.root):
            lock = wait_for_lock(self._folder.start_lock, self._clock, self._settings.start_timeout_s + 10)
        if lock is None:
            raise StartFailed(
                f"another process has been starting the server in {self._folder.root} for too long"
            )
        with lock:
            yield

    def _make_it_run(self) -> None:
        deadline = self._clock.monotonic() + self._settings.start_timeout_s
        while not self._runs_or_starts():
            if self._clock.monotonic() >= deadline:
                seconds = f"{self._settings.start_timeout_s:g} s"
                raise self._failure(f"was not ready after {seconds}", last_words(self._folder.log, 0))
            time.sleep(_POLL_S)

    def _runs_or_starts(self) -> bool:
        """Say whether the server is ready; start it when none lives; False: ask again in a moment."""
        lock = self._lock_of_dead_server()
        if lock is None:
            return self._is_ready()
        with lock:
            return self._start(lock)

    def _lock_of_dead_server(self) -> FileLock | None:
        lock = try_lock(self._folder.server_lock)
        if lock and names_live_server(self._folder.data):
            lock.release()
            return None
        return lock

    def _is_ready(self) -> bool:
        lines = pid_file_lines(self._folder.data)
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        answer = takes_connections(self.socket_folder)
        if answer is None:  # whoever sweeps the temporary folder has taken the socket away
            self._stop()
        return bool(answer)

    def _start(self, lock: FileLock) -> bool:
        binaries = find_binaries()
        bound_log(self._folder.log)
        self._make_data(binaries, lock)
        sockets = socket_folder(self._folder.root)
        clear_stale(self._folder.data, sockets)
        config = self._folder.data / "buttress.conf"
        config.write_bytes(server_config(self._settings, sockets))
        seconds = str(int(self._settings.start_timeout_s) + 1)
        command = [binaries.program("pg_ctl"), "-s", "-w", "-t", seconds, "start"]
        said = self._run(command, lock=lock)
        if said is None:
            return True
        if _STILL_ENDING in said:
            return False
        raise self._failure("did not start", said)

    def _make_data(self, binaries: Binaries, lock: FileLock) -> None:
        """Make the data folder, or check the one that is there."""
        data, new = self._folder.data, self._folder.new_data
        if data.exists():
            self._check_version(binaries)
            own(data, server_account(data))
            return
        remove_tree(new)
        require_space(self._folder.root)
        new.mkdir(mode=0o700)
        own(new, server_account(new))
        said = self._run([binaries.program("initdb"), *_initdb_options(new)], lock=lock, data=new)
        if said is not None:
            raise self._failure("could not be made", said)
        with (new / "postgresql.conf").open("a") as config:
            config.write(_INCLUDE)
        new.rename(data)

    def _check_version(self, binaries: Binaries) -> None:
        version = self._folder.data / "PG_VERSION"
        written = version.read_text().strip() if version.exists() else "unknown"
        if binaries.major and written != str(binaries.major):
            raise VersionMismatch(
                f"{self._folder.data} was written by PostgreSQL {written}, installed is {binaries.major}"
            )

    def _stop(self) -> None:
        """Stop the server, at once if it does not stop soon; nothing happens when none lives."""
        for mode in ("fast", "immediate"):
            dead = self._lock_of_dead_server()
            if dead:
                dead.release()
                return
            if names_live_server(self._folder.data):
                pg_ctl = find_binaries().program("pg_ctl")
                self._run([pg_ctl, "-s", "-w", "-t", str(_STOP_TIMEOUT_S), "-m", mode, "stop"])
            gone = wait_for_lock(self._folder.server_lock, self._clock, 2.0)
            if gone:
                gone.release()

    def _run(
        self, command: list[str], *, lock: FileLock | None = None, data: Path | None = None
    ) -> str | None:
        """Run a program of the server and return None, or when it fails its last words.

        It gets a session of its own (no Ctrl-C of ours), none of our environment (which holds secrets),
        and no pipe (a server that inherits one keeps its reader waiting). The data folder goes by the
        environment: `pg_ctl` puts an argument into a shell's line.
        """
        log = self._folder.log
        with log.open("ab") as stream:
            since = log.stat().st_size
            done = subprocess.run(  # noqa: S603 - our own program, no shell
                command_as(server_account(data or self._folder.data), command),
                env={"PATH": SEARCH_PATH, "LC_ALL": "C", "PGDATA": str(data or self._folder.data)},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                pass_fds=(lock.descriptor,) if lock else (),
                start_new_session=True,
                check=False,
            )
        return None if done.returncode == 0 else last_words(log, since) or f"exit code {done.returncode}"

    def _failure(self, what: str, said: str) -> DiskFull | StartFailed:
        message = f"the PostgreSQL server in {self._folder.root} {what}: {said}"
        full = "No space left on device" in said or has_little_space(self._folder.root)
        return (
            DiskFull(message)
            if full
            else StartFailed(message, hint=_NAMELESS_HINT if _NAMELESS in said else None)
        )


def attach_server(project_dir: Path, settings: StorageSettings, clock: Clock) -> EmbeddedServer:
    """Return the server of a project, running and held by this process; errors as `EmbeddedServer.attach`."""
    server = EmbeddedServer(open_folder(project_dir), settings, clock)
    server.attach()
    return server


def _initdb_options(data: Path) -> list[str]:
    """Options of `initdb`. Text sorts by code point everywhere; upper and lower case know all of Unicode."""
    return [
        "--username=postgres",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        *_sync_options(),
        f"--pgdata={data}",
    ]


def _sync_options() -> list[str]:
    """One sync of the whole file system takes milliseconds, of every file 3 s (measured); Linux only."""
    return ["--sync-method=syncfs"] if sys.platform == "linux" else []
