"""`buttress serve`: the supervisor and the processes it looks after."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

import click
import msgspec
import uvloop
from msgspec.structs import replace

from buttress.app.kept import forget_others, keep, read_current
from buttress.app.layout import limits_table, run_folder
from buttress.app.local_model import LOCAL_MODEL, local_model
from buttress.cli.failures import CommandMisused
from buttress.cli.main import Invocation
from buttress.cli.opening import project_folder
from buttress.cli.plain import are_colours_wanted
from buttress.kernel.clock import Clock, SystemClock
from buttress.kernel.errors import UNDECODABLE
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
@click.option(
    "--no-auth",
    is_flag=True,
    help="Ask nobody for a key: server.keys=never. On an address of this machine only.",
)
@click.option("--role", type=click.Choice(ROLES), help="Be one process only; for several machines.")
@click.option("--name", default="calls", hidden=True, help="What this call worker is called.")
@click.option(
    "--run-folder",
    "run_dir",
    type=click.Path(path_type=Path, file_okay=False),
    hidden=True,
    help="Where the local model says how it is, when not in the project.",
)
@click.option("--settings-fd", type=click.IntRange(3), hidden=True, help="Where settings are handed over.")
@click.option("--foreground-logs", is_flag=True, help="Log lines of all processes to standard error.")
@click.pass_obj
def serve(
    invocation: Invocation,
    /,
    role: str | None,
    name: str,
    run_dir: Path | None,
    *,
    no_auth: bool,
    foreground_logs: bool,
    **given: int | None,
) -> None:
    """Run the project: PostgreSQL, engine, call workers, background, and the local model if there is one.

    Each is watched and started again. Changed features, models and knowledge bases answer within two seconds;
    changed settings after a restart.
    """
    handed = given.pop("settings_fd")
    flags = [f"server.{key}={value}" for key, value in given.items() if value is not None]
    flags += ["server.keys=never"] if no_auth else []
    flags = [*(taken_over(handed) if handed else ()), *invocation.flags, *flags]
    project = project_folder(invocation)
    loaded = load_settings(project, flags=flags)
    configure_logs(loaded.tree.tracing, colours=are_colours_wanted())
    if role is None:
        asyncio.run(_supervise(loaded, flags, foreground_logs=foreground_logs))
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
    """Find mistakes first, and keep the port; then start everything."""
    from buttress.server.running import require_local, reserve_port, url_of  # noqa: PLC0415 - as for `_work`

    server = loaded.tree.server
    require_local(server)
    _say_who_is_let_in(server.keys)
    declared = read_current(loaded.project)
    _refuse_second(loaded)
    limits_table(loaded.project).unlink(missing_ok=True)
    with _ended_by_signals(), reserve_port(server.host, server.port) as reserved:
        keep(loaded.project, declared)
        forget_others(loaded.project, declared)
        port = reserved.getsockname()[1]
        with handed_over([*flags, f"server.port={port}"]) as settings_fd:
            children = _children(loaded, settings_fd)
            required = [child.name for child in children if not child.optional]
            report = Report(required, url_of(server.host, port))
            await _run_all(loaded, children, report, foreground_logs=foreground_logs)


def _say_who_is_let_in(keys: str) -> None:
    if keys == "never":
        told = (
            "NO KEYS: whoever reaches this address may ask everything, in the name of every user and tenant"
        )
        click.secho(told, fg="red", bold=True, err=True)


async def _run_all(
    loaded: Loaded, children: list[ChildSpec], report: "Report", *, foreground_logs: bool
) -> None:
    """Start the children while PostgreSQL starts, and hold on to it until they have ended."""
    clock = SystemClock()
    supervisor = Supervisor(children, loaded.project, clock, report=report, foreground_logs=foreground_logs)
    try:
        async with asyncio.TaskGroup() as group:
            supervising = group.create_task(supervisor.run())
            async with await asyncio.to_thread(_database, loaded, clock):
                await supervising
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the group is ours, and nobody else's affair


def _database(loaded: Loaded, clock: Clock) -> AbstractAsyncContextManager[object]:
    """Return the database, not yet opened; the import alone takes as long as the start of PostgreSQL."""
    from buttress.app.storage import project_database  # noqa: PLC0415 - as for `_work`

    return project_database(loaded, clock)


@contextmanager
def handed_over(flags: Sequence[str]) -> Iterator[int]:
    """Put settings where only children read them, for the block; yield the descriptor that they inherit.

    On a command line they would be seen by everybody who lists processes. The file has no name.
    """
    with TemporaryFile() as file:
        file.write(msgspec.json.encode(flags))
        file.flush()
        yield file.fileno()


def taken_over(descriptor: int) -> list[str]:
    """Return the settings that `handed_over` put behind `descriptor`, and close it.

    Raises:
        CommandMisused: there are none.
    """
    try:
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)  # siblings share where a read begins
        os.close(descriptor)
        return msgspec.json.decode(data, type=list[str])
    except (OSError, *UNDECODABLE) as error:
        raise CommandMisused(f"no settings are handed over at {descriptor}: {error}") from error


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


MAX_SAID = 100
"""Reasons that are remembered of a child: one that names a moment is another one each time."""

_WAITING = (State.WAITING, State.NOT_READY, State.SILENT)


class Report:
    """Says who is not ready and why, and once where everything can be reached."""

    def __init__(self, names: Sequence[str], address: str) -> None:
        self._names = frozenset(names)
        self._states = dict.fromkeys(names, State.STOPPED)
        self._said: dict[str, set[str]] = {}
        self._address = address
        self._announced = False

    def __call__(self, status: ChildStatus) -> None:
        """Take notice of a change."""
        before, self._states[status.name] = self._states.get(status.name), status.state
        line = f"{status.name}: {status.state.value}: {status.message}"
        if status.state in _WAITING:
            self._say_once(status, line)
        elif status.state is State.READY:
            if self._announced and before in _WAITING:
                self._said[status.name] = set()
            if self._announced:
                self._say_once(status, line)
            self._said[status.name] = {line}
        if not self._announced and all(self._states[name] is State.READY for name in self._names):
            self._announced = True
            click.echo(f"ready: {self._address}")

    def _say_once(self, status: ChildStatus, line: str) -> None:
        """Print a line, unless it was since the child was last ready: a reason is said once, not all day."""
        said = self._said.setdefault(status.name, set())
        if status.message and line not in said:
            if len(said) >= MAX_SAID:
                said.clear()
            said.add(line)
            click.echo(line, err=True)


def _children(loaded: Loaded, settings_fd: int) -> list[ChildSpec]:
    """Return the processes in the order they are started; call workers are stopped first."""
    workers = [f"calls-{number}" for number in range(1, loaded.tree.server.workers + 1)]
    return [
        _child(loaded, settings_fd, "engine", "engine", stop_order=2),
        *(_child(loaded, settings_fd, "calls", name, stop_order=0) for name in workers),
        _child(loaded, settings_fd, "background", "background", stop_order=1),
        *([_local_model(loaded, settings_fd)] if local_model(loaded.project) else []),
    ]


def _local_model(loaded: Loaded, settings_fd: int) -> ChildSpec:
    """Return the process of the local model: nobody waits for it, and it may take long to load."""
    child = _child(loaded, settings_fd, LOCAL_MODEL, LOCAL_MODEL, stop_order=1)
    return replace(child, optional=True, ready_timeout_s=loaded.tree.models.local.load_timeout_s)


def _child(loaded: Loaded, settings_fd: int, role: str, name: str, *, stop_order: int) -> ChildSpec:
    return ChildSpec(
        name=name,
        command=(
            *(sys.executable, "-m", "buttress", "--project", str(loaded.project)),
            *("serve", "--role", role, "--name", name, "--settings-fd", str(settings_fd)),
        ),
        ready_timeout_s=loaded.tree.processes.ready_timeout_s,
        stop_timeout_s=loaded.tree.processes.stop_timeout_s,
        hang_timeout_s=loaded.tree.processes.hang_timeout_s,
        stop_order=stop_order,
        pass_fds=(settings_fd,),
    )
