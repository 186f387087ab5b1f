"""Processes that attach to a server, databases and disks of their own."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from buttress.storage.embedded import EmbeddedServer

ATTACH = """
import sys
from pathlib import Path
from buttress.kernel.clock import SystemClock
from buttress.storage.embedded import attach_server
from buttress.storage.settings import StorageSettings
server = attach_server(Path(sys.argv[1]), StorageSettings(), SystemClock())
print(server.socket_folder, flush=True)
sys.stdin.read()
server.detach()
"""

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def fresh_url(shared_server: tuple[Path, EmbeddedServer]) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"test_{secrets.token_hex(6)}"
    folder = str(shared_server[1].socket_folder)
    with psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield f"postgresql://postgres@/{name}?host={quote(folder, safe='')}"
    with psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start a Python program in a process of its own; all are ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(
        code: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def attached(spawn: Spawn) -> Callable[[Path], subprocess.Popen[str]]:
    """Start a process that is attached to a project's server until its stdin closes."""

    def start(project: Path) -> subprocess.Popen[str]:
        process = spawn(ATTACH, str(project))
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    return start


@pytest.fixture
def short_temporary() -> Iterator[Path]:
    """A folder with a short path that every user can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="bt-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def small_disk(short_temporary: Path) -> Iterator[Path]:
    """A disk of 120 megabytes."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(short_temporary)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("cannot mount a small disk here")
    yield short_temporary
    subprocess.run(["umount", "--lazy", str(short_temporary)], check=True)  # noqa: S607
