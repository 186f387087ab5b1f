"""How the roles of a project are, read from the files they write. A file of a dead process counts as dead."""

from pathlib import Path

from buttress.processes.announcing import read_json, said_file
from buttress.processes.identity import is_alive
from buttress.processes.types import SUPERVISOR, ChildStatus, RoleStatus, Said, State, Supervised

_ENDED = "the process ended without a word"
_OF_SUPERVISOR = {State.STARTING, State.SILENT, State.WAITING, State.STOPPING, State.STOPPED}
"""What a supervisor knows better than the last words of a child."""


def read_said(run_dir: Path, name: str) -> Said | None:
    """Return what the role `name` said last; None when it said nothing, or nothing that can be read."""
    return read_json(said_file(run_dir, name), Said)


def read_supervised(run_dir: Path) -> Supervised | None:
    """Return what the supervisor wrote last, dead or alive."""
    return read_json(said_file(run_dir, SUPERVISOR), Supervised)


def read_status(run_dir: Path) -> list[RoleStatus]:
    """Return how each role is that was heard of since the last clean stop; the supervisor comes first."""
    supervised = read_supervised(run_dir)
    alive = supervised is not None and is_alive(supervised.pid, supervised.process)
    children = {one.name: one for one in supervised.children} if supervised else {}
    names = dict.fromkeys([*children, *sorted(path.stem for path in run_dir.glob("[!.]*.json"))])
    roles = [
        role_status(name, read_said(run_dir, name), children.get(name) if alive else None)
        for name in names
        if name != SUPERVISOR
    ]
    return [*([_supervisor(supervised, alive=alive)] if supervised else []), *roles]


def role_status(name: str, said: Said | None, child: ChildStatus | None) -> RoleStatus:
    """Put together what a role said and what its living supervisor, if any, says of it."""
    heard = said if said and is_alive(said.pid, said.process) else None
    if child and (child.state in _OF_SUPERVISOR or not heard) and not _is_news(heard, child):
        return RoleStatus(
            name=name,
            state=State.DEAD if child.state in (State.READY, State.NOT_READY) else child.state,
            pid=child.pid,
            message=child.message,
            started_at=child.started_at,
            restarts=child.restarts,
            last_end=child.last_end,
            next_start_at=child.next_start_at,
            optional=child.optional,
        )
    if heard is None:
        return RoleStatus(name=name, state=State.DEAD, pid=said.pid if said else None, message=_ENDED)
    return RoleStatus(
        name=name,
        state=State.READY if heard.ready else State.NOT_READY,
        pid=heard.pid,
        message=heard.message,
        address=heard.address,
        started_at=heard.started_at,
        restarts=child.restarts if child else 0,
        last_end=child.last_end if child else "",
        optional=child.optional if child else False,
    )


def _is_news(heard: Said | None, child: ChildStatus) -> bool:
    """Say whether the child spoke before its supervisor, who knows it as starting only, took notice."""
    return heard is not None and child.state == State.STARTING and heard.pid == child.pid


def _supervisor(supervised: Supervised, *, alive: bool) -> RoleStatus:
    return RoleStatus(
        name=SUPERVISOR,
        state=State.READY if alive else State.DEAD,
        pid=supervised.pid,
        message="" if alive else _ENDED,
        started_at=supervised.started_at,
    )
