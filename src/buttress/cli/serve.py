"""`buttress serve`: the supervisor and the processes it looks after."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import uvloop
from msgspec.structs import replace

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL, local_model
from buttress.app.project import compiled_releases, knowledge_bases
from buttress.cli.main import Invocation
from buttress.cli.opening import project_folder
from buttress.kernel.clock import SystemClock
from buttress.processes.errors import SupervisorRunning
from buttress.processes.identity import is_alive
from buttress.processes.status import read_supervised
from buttress.processes.supervisor import Supervisor
from buttress.processes.types import ChildSpec, ChildStatus, State
from buttress.settings.loading import Loaded, load_settings
from buttress.tracing.logs import configure_logs

ROLES = ("engine", "calls", "background", LOCAL_MODEL)


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="As server.port; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), help="As server.workers.")
@click.option("--role", type=click.Choice(ROLES), help="Be one process only; for several machines.")
@click.option("--name", default="calls", hidden=True, help="What this call worker is called.")
@click.option(
    "--run-folder",
    "run_dir",
    type=click.Path(path_type=Path, file_okay=False),
    hidden=True,
    help="Where the local model says how it is, when not in the project.",
)
@click.option("--foreground-logs", is_flag=True, help="Log lines of all processes to standard error.")
@click.pass_obj
def serve(
    invocation: Invocation,
    /,
    role: str | None,
    name: str,
    run_dir: Path | None,
    *,
    foreground_logs: bool,
    **given: int | None,
) -> None:
    """Run the project: PostgreSQL, engine, call workers, background, and the local model if there is one.

    Each is watched and started again.
    """
    flags = [f"server.{key}={value}" for key, value in given.items() if value is not None]
    project = project_folder(invocation)
    loaded = load_settings(project, flags=[*invocation.flags, *flags])
    configure_logs(loaded.tree.tracing)
    if role is None:
        asyncio.run(_supervise(loaded, [*invocation.flags, *flags], foreground_logs=foreground_logs))
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(role, loaded, name, run_dir))


def _work(role: str, loaded: Loaded, name: str, run_dir: Path | None) -> Coroutine[object, object, None]:
    """Return what a role does; imported here, since all start at once and each needs a part only."""
    if role == "engine":
        from buttress.app.roles import run_engine  # noqa: PLC0415

        return run_engine(loaded)
    if role == "background":
        from buttress.app.background import run_background  # noqa: PLC0415

        return run_background(loaded)
    if role == LOCAL_MODEL:
        from buttress.app.local_serving import run_local_model  # noqa: PLC0415

        return run_local_model(loaded, run_dir)
    from buttress.server.worker import run_calls  # noqa: PLC0415

    return run_calls(loaded, name)


async def _supervise(loaded: Loaded, flags: list[str], *, foreground_logs: bool) -> None:
    """Find mistakes first, keep the port, start the database, then everything that needs them."""
    from buttress.app.storage import project_database  # noqa: PLC0415 - as for `_work`
    from buttress.server.running import reserve_port  # noqa: PLC0415

    compiled_releases(loaded.project, knowledge_bases(loaded.project))
    _refuse_second(loaded)
    server = loaded.tree.server
    with _ended_by_signals(), reserve_port(server.host, server.port) as reserved:
        port = reserved.getsockname()[1]
        children = _children(loaded, [*flags, f"server.port={port}"])
        report = Report(
            [child.name for child in children if not child.optional], f"http://{server.host}:{port}"
        )
        async with project_database(loaded, SystemClock()):
            await Supervisor(
                children, loaded.project, SystemClock(), report=report, foreground_logs=foreground_logs
            ).run()


def _refuse_second(loaded: Loaded) -> None:
    """Say it before the port is found taken; the supervisor refuses whoever comes at the same moment."""
    supervised = read_supervised(run_folder(loaded.project))
    if supervised and is_alive(supervised.pid, supervised.process):
        raise SupervisorRunning(f"this project is being served already, by process {supervised.pid}")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP cancel what is under way, until the supervisor listens to them itself."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    assert current is not None  # noqa: S101 - a coroutine runs in a task; for the type checker
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # `nohup`
            loop.add_signal_handler(number, current.cancel)
    with suppress(asyncio.CancelledError):
        yield


class Report:
    """Says who is not ready and why, and once where everything can be reached."""

    def __init__(self, names: Sequence[str], address: str) -> None:
        self._states = dict.fromkeys(names, State.STOPPED)
        self._address = address
        self._announced = False
        self._said: dict[str, set[str]] = {}

    def __call__(self, status: ChildStatus) -> None:
        """Take notice of a change."""
        if status.name in self._states:
            self._states[status.name] = status.state
        if status.state in (State.WAITING, State.NOT_READY) and status.message:
            self._say_once(status.name, f"{status.name}: {status.state.value}: {status.message}")
        elif status.state is State.READY:
            self._said.pop(status.name, None)
        if not self._announced and set(self._states.values()) == {State.READY}:
            self._announced = True
            click.echo(f"ready: {self._address}")

    def _say_once(self, name: str, line: str) -> None:
        """Print a line, unless it was since the child was last ready: a reason is said once, not all day."""
        if line not in (said := self._said.setdefault(name, set())):
            said.add(line)
            click.echo(line, err=True)


def _children(loaded: Loaded, flags: list[str]) -> list[ChildSpec]:
    """Return the processes in the order they are started; call workers are stopped first."""
    workers = [f"calls-{number}" for number in range(1, loaded.tree.server.workers + 1)]
    return [
        _child(loaded, flags, "engine", "engine", stop_order=2),
        *(_child(loaded, flags, "calls", name, stop_order=0) for name in workers),
        _child(loaded, flags, "background", "background", stop_order=1),
        *([_local_model(loaded, flags)] if local_model(loaded.project) else []),
    ]


def _local_model(loaded: Loaded, flags: list[str]) -> ChildSpec:
    """Return the process of the local model: nobody waits for it, and it may take long to load."""
    child = _child(loaded, flags, LOCAL_MODEL, LOCAL_MODEL, stop_order=1)
    return replace(child, optional=True, ready_timeout_s=loaded.tree.models.local.load_timeout_s)


def _child(loaded: Loaded, flags: list[str], role: str, name: str, *, stop_order: int) -> ChildSpec:
    settings = [part for flag in flags for part in ("--set", flag)]
    project = ("--project", str(loaded.project))
    return ChildSpec(
        name=name,
        command=(
            *(sys.executable, "-m", "buttress", *project, *settings),
            *("serve", "--role", role, "--name", name),
        ),
        ready_timeout_s=loaded.tree.processes.ready_timeout_s,
        stop_timeout_s=loaded.tree.processes.stop_timeout_s,
        stop_order=stop_order,
    )
