"""Where our own server keeps its files, and what is checked about them before it starts.

.buttress/postgres/           0700, ours
    data/                     what the server writes; as root it belongs to the server's user
    data.new/                 data in the making; renamed when it is whole
    log                       what the server says, cut when it is large
    start.lock                held while somebody starts or stops the server
    attached.lock             shared by every process that uses the server
    server.lock               held by the server itself and all of its processes, so as long as any lives
    .s.PGSQL.5432             the socket, when the path is short enough for one
"""

import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path

import msgspec
import psutil

from buttress.storage.errors import DiskFull, FolderUnusable
from buttress.storage.settings import StorageSettings

KEPT = ".buttress"
"""The folder of all that Buttress keeps, inside that of a project."""
MAX_SOCKET_FOLDER_BYTES = 89
"""104 bytes for a socket's path on macOS (108 on Linux), less `/.s.PGSQL.5432` and a final NUL."""
MAX_LOG_BYTES = 10_000_000
NEW_DATA_BYTES = 48_000_000
"""What `initdb` writes (40 MB), and some room to begin with."""
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
_TAIL_BYTES = 16_384


class ServerFolder(msgspec.Struct, frozen=True):
    """The paths of one server. `root` is absolute and without symbolic links."""

    root: Path

    @property
    def data(self) -> Path:
        """What the server writes."""
        return self.root / "data"

    @property
    def new_data(self) -> Path:
        """Data in the making."""
        return self.root / "data.new"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.root / "log"

    @property
    def start_lock(self) -> Path:
        """Held while somebody starts or stops the server."""
        return self.root / "start.lock"

    @property
    def attached_lock(self) -> Path:
        """Shared by every process that uses the server."""
        return self.root / "attached.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server for as long as one of its processes lives."""
        return self.root / "server.lock"


@contextmanager
def folder_errors(folder: Path) -> Iterator[None]:
    """Say of an OSError in the block what it means for `folder`.

    Raises:
        DiskFull: there is no space left.
        FolderUnusable: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise DiskFull(f"no space left for {folder}") from error
        raise FolderUnusable(f"{folder} cannot be used: {error.strerror or error}") from error


def open_folder(project_dir: Path) -> ServerFolder:
    """Return the server's folder of a project, made when it is not there, closed to other users.

    Raises:
        DiskFull: there is no space left.
        FolderUnusable: it cannot be made or written.
    """
    root = Path(os.path.realpath(project_dir)) / KEPT / "postgres"
    if any(ord(character) < 32 for character in str(root)):
        raise FolderUnusable(f"{str(root)!r} holds a control character", hint="Rename the project's folder.")
    with folder_errors(root):
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        root.chmod(0o700)
    if not os.access(root, os.W_OK | os.X_OK):
        raise FolderUnusable(f"{root} cannot be written")
    return ServerFolder(root)


def socket_folder(root: Path, temporary: Path | None = None) -> Path:
    """Return where the socket goes: `root`, or when its path is too long, a folder of the temporary one.

    Raises:
        FolderUnusable: that folder is somebody else's, open to others, a link, or too long as well.
    """
    if len(os.fsencode(root)) <= MAX_SOCKET_FOLDER_BYTES:
        return root
    name = f"buttress-{os.geteuid()}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"
    folder = (temporary or Path(tempfile.gettempdir())) / name
    if len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_BYTES:
        raise FolderUnusable(f"{folder} is too long a path for a socket", hint="Set TMPDIR to a shorter one.")
    with folder_errors(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not private or status.st_uid != os.geteuid():
        raise FolderUnusable(
            f"{folder} is not a folder that only this user can open",
            hint=f"Look what it is; remove it: {folder}",
        )
    return folder


def server_config(settings: StorageSettings, sockets: Path) -> bytes:
    """Return our part of the server's configuration.

    No TCP; nobody but the server's user opens the socket; no replication, so fewer processes; statements
    and their values stay out of the log, since they hold what users wrote.
    """
    lines = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "shared_buffers": f"{settings.shared_buffers_mb}MB",
        "max_connections": str(settings.max_connections),
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "256MB",
        "io_method": "sync",
        "max_logical_replication_workers": "0",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    text = "".join(f"{name} = '{_escaped(value)}'\n" for name, value in lines.items())
    return os.fsencode(
        "# Written by Buttress at every start; your own go to the end of postgresql.conf.\n" + text
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def own(data: Path, account: tuple[int, int]) -> None:
    """Give `data` to the server's user, closed to others; with it all files that root copied there."""
    data.chmod(0o700)
    if os.geteuid() != 0 or data.stat().st_uid == account[0]:
        return
    for place, _, files in os.walk(data):
        for path in (place, *(os.path.join(place, name) for name in files)):  # noqa: PTH118 - 1,000 files
            os.chown(path, *account, follow_symlinks=False)


def remove_tree(path: Path) -> None:
    """Remove a folder with all in it; nothing happens when there is none."""
    if path.exists():
        shutil.rmtree(path)


def pid_file_lines(data: Path) -> list[str]:
    """Return the lines of `postmaster.pid`: pid, data, start, port, socket folder, address, memory, state."""
    try:
        return (data / "postmaster.pid").read_text(errors="surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def names_live_server(data: Path) -> bool:
    """Say whether the pid file of `data` is true: its pid is that of a server that works on this data.

    A pid alone says nothing: it may be a zombie, or belong to another program by now.
    """
    try:
        process = psutil.Process(int(pid_file_lines(data)[0]))
        running = process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
        return running and Path(process.cwd()) == data
    except (IndexError, ValueError, psutil.Error):
        return False


def takes_connections(sockets: Path) -> bool | None:
    """Say whether somebody listens at the socket; None when there is no socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(sockets / SOCKET))
        except FileNotFoundError:
            return None
        except OSError:
            return False
    return True


def require_space(folder: Path) -> None:
    """Look whether a new database fits on the disk of `folder`.

    Raises:
        DiskFull: it does not; the message holds both figures.
    """
    free = shutil.disk_usage(folder).free
    if free < NEW_DATA_BYTES:
        raise DiskFull(
            f"no space left for {folder}: a new database takes {NEW_DATA_BYTES / 1e6:.0f} MB, "
            f"{free / 1e6:.1f} MB are free"
        )


def has_little_space(folder: Path) -> bool:
    """Say whether the disk is as good as full: a program that then fails cannot even say so in its log."""
    return shutil.disk_usage(folder).free < 1_000_000


def clear_stale(data: Path, sockets: Path) -> None:
    """Remove what a killed server left. Only for who holds the server's lock."""
    for stale in (data / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def bound_log(log: Path) -> None:
    """Empty the log when it is over 10 MB; a running server goes on at its new end."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        os.truncate(log, 0)


def last_words(log: Path, since: int) -> str:
    """Return the line of `log`, from byte `since` on, that best says what went wrong, or nothing."""
    with log.open("rb") as stream:
        stream.seek(max(since, log.stat().st_size - _TAIL_BYTES))
        lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    severe = [line for line in lines if "FATAL:" in line or "PANIC:" in line or "error:" in line]
    return (severe or lines or [""])[-1]
