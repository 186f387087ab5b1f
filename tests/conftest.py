"""What tests of several rooms share: a server and its database, the machine's clock, an ingested project."""

import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from buttress.kernel.clock import Clock, SystemClock
from buttress.knowledge.embedding import OnnxEmbedder, open_embedder
from buttress.knowledge.settings import EmbedderSettings
from buttress.storage.database import Database, open_database
from buttress.storage.embedded import EmbeddedServer, attach_server
from buttress.storage.settings import StorageSettings
from tests.projects import make_project

NEEDS_TIME = {"shared_server", "ingested", "embedder"}
"""Fixtures that start a server, ingest a project or load a model: who asks for one is slow."""

_ordinary = settings.get_profile(settings.get_current_profile_name())
settings.register_profile("fast", parent=_ordinary, max_examples=25)
"""For `make check`: a quarter of the examples; `make test` draws all."""


def pytest_configure() -> None:
    """Let the commands that tests start hear signals: a shell's background jobs, and nohup, ignore some."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs a fixture that is; `make check` leaves it out, `make test` does not."""
    for item in items:
        if NEEDS_TIME.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def clock() -> Clock:
    """The machine's clock: these tests are about real processes."""
    return SystemClock()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, EmbeddedServer]]:
    """A project whose server runs for all tests of this process."""
    project = tmp_path_factory.mktemp("shared project")
    server = attach_server(project, StorageSettings(), SystemClock())
    yield project, server
    server.detach()


@pytest.fixture
async def database(shared_server: tuple[Path, EmbeddedServer], clock: Clock) -> AsyncIterator[Database]:
    """The shared server's database, with its tables."""
    async with open_database(StorageSettings(pool_size=4), shared_server[0], clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of tests/projects.py, its documents read; to change it, take `project`."""
    folder = tmp_path_factory.mktemp("ingested") / "a project"
    make_project(folder)
    subprocess.run(
        [sys.executable, "-m", "buttress", "--project", str(folder), "ingest"],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def project(ingested: Path, tmp_path: Path) -> Path:
    """A copy of the ingested project, to be changed at will; its database is empty and not yet there."""
    folder = tmp_path / "a project"
    shutil.copytree(ingested, folder, ignore=shutil.ignore_patterns("postgres", "spool", "run", "logs"))
    return folder


@pytest.fixture(scope="session")
def embedder() -> Iterator[OnnxEmbedder]:
    """The packaged embedding model, loaded once a process."""
    loaded = open_embedder(EmbedderSettings())
    yield loaded
    loaded.close()
