"""The project as `serve` works with it: its newest state without mistakes, whatever happens to its files."""

import asyncio
from pathlib import Path

import structlog

from buttress.app.declared import Declared, Watch, read_declared
from buttress.app.kept import keep, read_kept
from buttress.kernel.errors import ButtressError
from buttress.processes.errors import RunFolderUnusable

LOOK_EVERY_S = 1.0
"""How often each process looks at the files. Changed ones answer within two looks."""

_log = structlog.get_logger("buttress.app.live")
_UNFORESEEN = (OSError, ValueError, RecursionError)
"""What compiling may end with besides a mistake that it names: no reason to take a process down."""


class Live:
    """Follows the files of a project. Every process of a project comes to the same `current`.

    Files without mistakes are compiled by each process by itself, to the same releases, since a release is
    a function of the files. With mistakes in them, what was kept last is what all go on with.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._watch = Watch(project)
        self._seen = ""
        self._current: Declared | None = None
        self.problem = ""
        """Why the files are not what answers; empty when they are."""

    @property
    def current(self) -> Declared:
        """What answers; there is something after `start`."""
        if self._current is None:
            raise RuntimeError("not started")
        return self._current

    async def start(self) -> Declared:
        """Return what to begin with: the files as they are, or what was kept while they are broken.

        Raises:
            DeclarationInvalid, FeatureInvalid, BudgetsInvalid, LimitsInvalid, WebhooksInvalid: the files have
                mistakes, and nothing was kept.
        """
        while self._current is None:  # again only where a file changed while it was compiled
            self._current = await asyncio.to_thread(self._look)
        return self._current

    async def follow(self) -> Declared | None:
        """Look once, after `start`; return what new calls are to go by, None where nothing changed.

        It never raises a `ButtressError`: `problem` says why what was there goes on.
        """
        found = await asyncio.to_thread(self._look)
        if found is None or found == self._current:
            return None
        self._current = found
        named = {name: str(release.release_id) for name, release in found.releases.items()}
        _log.info("project.changed", fingerprint=found.fingerprint, releases=named)
        return found

    def _look(self) -> Declared | None:
        """Return what may be new; None where nothing changed. It blocks."""
        fingerprint = self._watch.look()
        if fingerprint == self._seen:
            # Another process may have seen files without mistakes that this one came too late for.
            return read_kept(self._project) if self.problem else None
        kept = read_kept(self._project)
        if kept and kept.fingerprint == fingerprint:
            return self._saw(kept)
        try:
            found = read_declared(self._project, fingerprint)
            if self._watch.look() != fingerprint:  # one of them may be half old and half new
                return None
            self._keep(found)
        except (ButtressError, *_UNFORESEEN) as error:
            if kept is None and self._current is None:
                raise
            self._note(error.message if isinstance(error, ButtressError) else repr(error))
            self._seen = fingerprint
            return kept
        return self._saw(found)

    def _keep(self, found: Declared) -> None:
        try:
            keep(self._project, found)
        except RunFolderUnusable as error:  # a full disk is no reason to go on with what is old
            _log.warning("project.not_kept", reason=error.message)

    def _saw(self, found: Declared) -> Declared:
        self._seen, self.problem = found.fingerprint, ""
        return found

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("project.invalid", reason=problem)
        self.problem = problem
