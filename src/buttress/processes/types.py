"""The nouns: a child as asked for, a child as its supervisor sees it, a role as others see it."""

import re
from datetime import datetime
from enum import StrEnum

import msgspec

SUPERVISOR = "supervisor"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


class State(StrEnum):
    """How a role is."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not_ready"
    SILENT = "silent"
    WAITING = "waiting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DEAD = "dead"


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A child as asked for.

    It is started again when it neither becomes ready nor says anything new for `ready_timeout_s`, and when it
    was ready and does not beat for `hang_timeout_s` (at least 3 s; 0: never). To stop it gets SIGTERM, and
    SIGKILL `stop_timeout_s` later; a smaller `stop_order` is stopped first, equal ones at the same time, all
    of them within the longest `stop_timeout_s`. `pass_fds` are descriptors that it inherits (a listening
    socket). Nobody waits for an `optional` child: the others are ready without it.

    Raises:
        ValueError: the name is not lower-case letters, digits and hyphens, or is `supervisor`.
    """

    name: str
    command: tuple[str, ...]
    ready_timeout_s: float = 30.0
    stop_timeout_s: float = 20.0
    hang_timeout_s: float = 30.0
    stop_order: int = 0
    pass_fds: tuple[int, ...] = ()
    optional: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name == SUPERVISOR:
            raise ValueError(f"{self.name!r} cannot be the name of a child")


class ChildStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A child as its supervisor sees it; `message` says why it is not ready, or why it ended last.

    `failures` counts the starts in a row that did not last, `restarts` all but the first; `last_end` says why
    the one before it ended.
    """

    name: str
    state: State
    pid: int | None = None
    message: str = ""
    started_at: datetime | None = None
    restarts: int = 0
    failures: int = 0
    last_end: str = ""
    next_start_at: datetime | None = None
    optional: bool = False

    @property
    def is_awaited(self) -> bool:
        """Whether the project is not ready because of it."""
        return not self.optional and self.state is not State.READY


class Supervised(msgspec.Struct, frozen=True, kw_only=True):
    """What a supervisor writes to `supervisor.json`, whenever something changes."""

    pid: int
    process: str
    started_at: datetime
    children: tuple[ChildStatus, ...]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a role writes of itself to `NAME.json`; `process` tells it from later ones of its pid."""

    name: str
    pid: int
    process: str
    ready: bool
    message: str
    address: str
    started_at: datetime
    said_at: datetime


class RoleStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A role as others see it: what it says itself, and what its supervisor says of it."""

    name: str
    state: State
    pid: int | None = None
    message: str = ""
    address: str = ""
    started_at: datetime | None = None
    restarts: int = 0
    last_end: str = ""
    next_start_at: datetime | None = None
    optional: bool = False
