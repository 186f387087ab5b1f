"""What a project declares: its files as one value, and whether they have changed."""

import hashlib
import os
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from buttress.access.limits import Limit
from buttress.app.project import (
    compiled_releases,
    declared_budgets,
    declared_limits,
    declared_models,
    declared_webhooks,
    knowledge_bases,
)
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.ids import content_hash, hash_of
from buttress.knowledge.types import KnowledgeBase
from buttress.releases.types import Release
from buttress.spend.budgets import Budget
from buttress.spend.pricing import list_version
from buttress.watch.types import Route

MAX_FILE_BYTES = 2_000_000
"""No file that a feature may use is larger: what is, and lies beside them, is not read to see it change."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What a project declares, and the fingerprint of its files."""

    fingerprint: str
    catalogue: Catalogue
    knowledge: dict[str, KnowledgeBase]
    releases: dict[str, Release]
    budgets: tuple[Budget, ...] = ()
    webhooks: tuple[Route, ...] = ()
    limits: tuple[Limit, ...] = ()


def read_declared(project: Path, fingerprint: str) -> Declared:
    """Compile the files of `project`, of which the caller knows the fingerprint.

    Raises:
        DeclarationInvalid, FeatureInvalid, BudgetsInvalid, LimitsInvalid, WebhooksInvalid: with the
            mistakes in these files.
    """
    knowledge = knowledge_bases(project)
    releases = compiled_releases(project, knowledge)
    return Declared(
        fingerprint=fingerprint,
        catalogue=declared_models(project),
        knowledge=knowledge,
        releases=releases,
        budgets=declared_budgets(project),
        webhooks=declared_webhooks(project),
        limits=declared_limits(project),
    )


_Stamp = tuple[str, int, int, int, int]


class Watch:
    """Tells whether the declaration files of a project have changed; see `declaration_files`.

    buttress.yaml is not among them: settings are read when a process starts.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._stamps: list[_Stamp] = []
        self._fingerprint = ""
        self._settled = False

    def look(self) -> str:
        """Return the fingerprint of the files as they are: equal for equal names and content.

        Files are read when one of them has another time, size or inode, and once more at the next look: two
        changes within a tick of the file system's clock cannot be told apart by it. It blocks.
        """
        stamps = [stamp for path in declaration_files(self._project) for stamp in _stamps(path)]
        if stamps != self._stamps or not self._settled:
            self._settled = stamps == self._stamps
            self._stamps = stamps
            self._fingerprint = fingerprint(self._project)
        return self._fingerprint


def fingerprint(project: Path) -> str:
    """Return the hash of the names and contents of the declaration files, and of what reads them."""
    files = [
        part
        for path in declaration_files(project)
        for part in (path.relative_to(project).as_posix().encode("utf-8", "surrogateescape"), _digest(path))
    ]
    return content_hash(_code(), list_version(), *files)


@cache
def _code() -> str:
    """Return what tells this installation of Buttress from another, which may compile otherwise."""
    package = Path(__file__).parents[1]
    return hash_of(sorted(stamp for path in package.rglob("*.py") for stamp in _stamps(path)))


def declaration_files(project: Path) -> Iterator[Path]:
    """Yield the files that things are declared in, in a fixed order; those of features last."""
    yield project / "models.yaml"
    yield project / "budgets.yaml"
    yield project / "alerts.yaml"
    yield project / "limits.yaml"
    yield from sorted((project / "knowledge").glob("*.yaml"))
    for feature in sorted((project / "features").glob("*")):
        # Each by itself: a feature may be a link to a folder, which a walk from above would not follow.
        for folder, below, names in os.walk(feature):
            below[:] = sorted(name for name in below if name != "__pycache__")
            yield from (Path(folder, name) for name in sorted(names))


def _stamps(path: Path) -> Iterator[_Stamp]:
    try:
        found = path.stat()
    except OSError:
        return
    yield str(path), found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _digest(path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:
            return f"not read: {found.st_size} {found.st_mtime_ns}".encode()
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return f"not readable: {error.errno}".encode()
