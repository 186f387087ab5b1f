"""Where things are in a project's folder."""

from contextlib import suppress
from pathlib import Path

from buttress.storage.folder import KEPT


def make_kept_folder(project: Path) -> None:
    """Make the folder of what Buttress keeps, closed to other users: its texts are not for everybody.

    Where it cannot be made, whoever needs it says so.
    """
    with suppress(OSError):
        (project / KEPT).mkdir(mode=0o700, exist_ok=True)


def knowledge_folder(project: Path) -> Path:
    """The files that declare knowledge bases: NAME.yaml."""
    return project / "knowledge"


def index_folder(project: Path) -> Path:
    """The chunks and vectors of every knowledge base."""
    return project / KEPT / "index"


def spool_folder(project: Path) -> Path:
    """What happened and is not in the database yet."""
    return project / KEPT / "spool"


def releases_folder(project: Path) -> Path:
    """The last project without mistakes, compiled."""
    return project / KEPT / "releases"


def run_folder(project: Path) -> Path:
    """Which processes run, and where they listen."""
    return project / KEPT / "run"


def log_folder(project: Path) -> Path:
    """What the processes of the project print."""
    return project / KEPT / "logs"


def engine_address(project: Path) -> Path:
    """Where the engine process says its port and token; readable by its user only."""
    return run_folder(project) / "engine.address"
