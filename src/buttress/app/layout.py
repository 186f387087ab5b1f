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


def sources_folder(project: Path) -> Path:
    """What the sources of each knowledge base keep, so that their next listing is cheaper."""
    return project / KEPT / "sources"


def spool_folder(project: Path) -> Path:
    """What happened and is not in the database yet."""
    return project / KEPT / "spool"


def shipped_folder(project: Path) -> Path:
    """Traces that the database has, for some days more."""
    return project / KEPT / "shipped"


def journal_folder(project: Path) -> Path:
    """What was spent, and is not in the ledger yet; for some days also what is."""
    return project / KEPT / "journal"


def releases_folder(project: Path) -> Path:
    """The last project without mistakes, compiled."""
    return project / KEPT / "releases"


def prices_file(project: Path) -> Path:
    """What the packaged price list says of the project's models."""
    return project / KEPT / "prices.json"


def run_folder(project: Path) -> Path:
    """Which processes run, and where they listen."""
    return project / KEPT / "run"


def log_folder(project: Path) -> Path:
    """What the processes of the project print."""
    return project / KEPT / "logs"


def engine_address(project: Path) -> Path:
    """Where the engine process says its port and token; readable by its user only."""
    return run_folder(project) / "engine.address"


def limits_table(project: Path) -> Path:
    """What call workers of this machine have let in of late; begun anew with each start of `serve`."""
    return run_folder(project) / "limits.table"


def key_secret_file(project: Path) -> Path:
    """The secret that keys are hashed with, where the settings name none."""
    return project / KEPT / "key_secret"


def kept_keys_file(project: Path) -> Path:
    """The keys as they were last read from the database, hashed."""
    return project / KEPT / "keys.json"
