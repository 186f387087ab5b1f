"""What tests of several rooms share: a server and its database, the machine's clock, ingested projects."""

import gc
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from buttress.kernel.clock import Clock, SystemClock
from buttress.knowledge.embedding.embedder import OnnxEmbedder, open_embedder
from buttress.knowledge.settings import EmbedderSettings
from buttress.storage.database import Database, open_database
from buttress.storage.embedded import EmbeddedServer, attach_server
from buttress.storage.filelocks import wait_for_lock
from buttress.storage.settings import StorageSettings
from tests.projects import copy_example, make_project

NEEDS_TIME = {"shared_server", "ingested", "ingested_example", "embedder"}
"""Fixtures that start a server, ingest a project or load a model: who asks for one is slow."""

FAST = "fast"
FEW_EXAMPLES = 10
_SAID_OF_A_TEST = "_hypothesis_internal_use_settings"
"""Where Hypothesis keeps the `@settings` of a test; should it keep them elsewhere one day, all are drawn."""

_ordinary = settings.get_profile(settings.get_current_profile_name())
settings.register_profile(FAST, parent=_ordinary, max_examples=FEW_EXAMPLES, stateful_step_count=20)
"""For `make check`: ten examples, fewer steps in each; `make test` draws all."""


def pytest_configure() -> None:
    """Let the commands that tests start hear signals: a shell's background jobs, and nohup, ignore some.

    What is collected stays to the end: the garbage collector need not look through it.
    """
    gc.disable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Let the garbage collector look from now on, and at what comes from now on."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs a fixture that is; `make check` leaves it out, `make test` does not."""
    is_fast = settings.get_current_profile_name() == FAST
    for item in items:
        if NEEDS_TIME.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
        if is_fast:
            _draw_fewer(item)


def _draw_fewer(item: pytest.Item) -> None:
    """Let a test that says how many examples it draws heed the profile, too."""
    method = getattr(item, "obj", None)
    function = getattr(method, "__func__", method)
    said = getattr(function, _SAID_OF_A_TEST, None)
    if isinstance(said, settings):
        fewer = min(said.max_examples, FEW_EXAMPLES)
        setattr(function, _SAID_OF_A_TEST, settings(said, max_examples=fewer))


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


MadeOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MadeOnce:
    """Makes a folder in the first process of a run that asks for it; the others wait until it is there."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def folder(name: str, make: Callable[[Path], None]) -> Path:
        made, whole = shared / name, shared / f"{name} is whole"
        lock = wait_for_lock(shared / f"{name}.lock", SystemClock(), 120)
        assert lock, f"{name} takes long to make"
        with lock:
            if not whole.exists():
                shutil.rmtree(made, ignore_errors=True)
                make(made)
                whole.touch()
        return made

    return folder


def _ingest(project: Path) -> None:
    ingest = [sys.executable, "-m", "buttress", "--project", str(project), "ingest"]
    subprocess.run(ingest, check=True, capture_output=True)


@pytest.fixture(scope="session")
def ingested(made_once: MadeOnce) -> Path:
    """The project of tests/projects.py, its documents read; to change it, take `project`."""

    def make(project: Path) -> None:
        make_project(project)
        _ingest(project)
        shutil.copytree(project, _at_rest(project), dirs_exist_ok=True)

    return made_once("ingested", make)


def _at_rest(ingested: Path) -> Path:
    """Return where the ingested project is once more, for nobody to open: its database is never running."""
    return ingested.with_name("ingested and at rest")


@pytest.fixture
def project(ingested: Path, tmp_path: Path) -> Path:
    """A copy of the ingested project, to be changed at will; its database is empty and not yet there."""
    folder = tmp_path / "a project"
    shutil.copytree(ingested, folder, ignore=shutil.ignore_patterns("postgres", "spool", "run", "logs"))
    return folder


@pytest.fixture
def synced(ingested: Path, tmp_path: Path) -> Path:
    """The same with its database, at rest: what its sources hold is there. One to be made takes a second."""
    ignored = shutil.ignore_patterns("spool", "run", "logs")
    return shutil.copytree(_at_rest(ingested), tmp_path / "a synced project", ignore=ignored)


@pytest.fixture(scope="session")
def ingested_example(made_once: MadeOnce) -> Path:
    """The example without its language model, its documents read, its database at rest: to be copied."""

    def make(project: Path) -> None:
        copy_example(project)
        _ingest(project)

    return made_once("the example", make)


@pytest.fixture(scope="session")
def embedder() -> Iterator[OnnxEmbedder]:
    """The packaged embedding model, loaded once a process."""
    loaded = open_embedder(EmbedderSettings())
    yield loaded
    loaded.close()
