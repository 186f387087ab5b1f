"""What a role says of itself: ready, or why not. One small file a role, replaced as a whole."""

import os
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import TypeVar

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import UNDECODABLE
from buttress.processes.errors import RunFolderUnusable
from buttress.processes.identity import process_identity
from buttress.processes.types import Said

Kind = TypeVar("Kind", bound=msgspec.Struct)


_FULL = "Make room on that disk, some MB at least."


class Announcer:
    """The voice of the role `name`, of this process."""

    def __init__(self, run_dir: Path, name: str, clock: Clock) -> None:
        self._file = said_file(run_dir, name)
        self._name = name
        self._clock = clock
        self._started_at = clock.now()
        self._said: Said | None = None

    def say(self, *, ready: bool, message: str = "", address: str = "") -> None:
        """Tell how this role is: `message` says why it is not ready, `address` where it can be reached.

        A role that takes long to become ready says so from time to time, or it is taken for stuck.

        Raises:
            RunFolderUnusable: the file cannot be written.
        """
        said = Said(
            name=self._name,
            pid=os.getpid(),
            process=process_identity(os.getpid()) or "",
            ready=ready,
            message=message,
            address=address,
            started_at=self._started_at,
            said_at=self._clock.now(),
        )
        replace_file(self._file, msgspec.json.encode(said))
        self._said = said

    def keep_saying(self, *, ready: bool, message: str = "", address: str = "") -> None:
        """Say it where it is news, to be called again and again. Never raises: the next call tries again."""
        last = self._said
        if last is None or (last.ready, last.message, last.address) != (ready, message, address):
            with suppress(RunFolderUnusable):
                self.say(ready=ready, message=message, address=address)

    def beat(self) -> None:
        """Tell that this process lives, once it has said something: touch its file, a matter of 2 µs.

        The file is written again where somebody has removed it. Never raises: a beat that cannot be given is
        nothing to end for, and whoever listens finds out that none can be (`beating.read_beat`).
        """
        if self._said is None:
            return
        try:
            os.utime(self._file)
        except FileNotFoundError:
            with suppress(RunFolderUnusable):
                replace_file(self._file, msgspec.json.encode(self._said))
        except OSError:
            return

    def withdraw(self) -> None:
        """Take back what was said: this role ends as it should. What a successor said already stays."""
        self._said = None
        said = read_json(self._file, Said)
        if said and said.pid == os.getpid():
            self._file.unlink(missing_ok=True)


def said_file(run_dir: Path, name: str) -> Path:
    """Return where the role `name` writes."""
    return run_dir / f"{name}.json"


def read_json(path: Path, kind: type[Kind]) -> Kind | None:
    """Return what is in `path`; None when there is nothing, or nothing that is a `kind`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, *UNDECODABLE):
        return None


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader, one of our user's, finds the old or the new, never a part.

    Raises:
        RunFolderUnusable: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.touch(mode=0o600)
        new.write_bytes(content)
        new.replace(path)
    except OSError as error:
        hint = _FULL if error.errno in {ENOSPC, EDQUOT} else None
        raise RunFolderUnusable(f"{path} cannot be written: {error.strerror or error}", hint=hint) from error
