"""The local model: who runs it, where it listens, and one of our own where nobody runs it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from buttress.app.layout import log_folder, run_folder
from buttress.gateway.compiling.project import read_models
from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.models.errors import LocalModelAway, LocalModelBroken, LocalModelMissing
from buttress.models.local_file import local_file
from buttress.models.ports import LocalServer
from buttress.models.types import LocalAddress
from buttress.processes.announcing import read_json
from buttress.processes.identity import is_alive
from buttress.processes.keeping import Keeper, Surroundings
from buttress.processes.status import read_said, read_supervised
from buttress.processes.supervisor import lifeline
from buttress.processes.types import ChildSpec, ChildStatus, State
from buttress.settings.loading import Loaded

LOCAL_MODEL = "local-model"
"""What the process of the local model is called among the roles."""


def local_model(project: Path) -> Model | None:
    """Return the model of models.yaml that runs on this machine; None without one, or with mistakes there."""
    found = read_models(project)
    models = [] if isinstance(found, list) else found.models.values()
    return next((model for model in models if model.provider == "local"), None)


def address_file(run_dir: Path) -> Path:
    """Return where the local model's process says its port and token; readable by its user only."""
    return run_dir / f"{LOCAL_MODEL}.address"


def is_served(project: Path) -> bool:
    """Say whether others look after the local model: `serve` does, or the role runs by itself."""
    supervised = read_supervised(run_folder(project))
    if supervised and is_alive(supervised.pid, supervised.process):
        return any(child.name == LOCAL_MODEL for child in supervised.children)
    said = read_said(run_folder(project), LOCAL_MODEL)
    return said is not None and is_alive(said.pid, said.process)


def announced_address(run_dir: Path) -> LocalAddress:
    """Return where the local model listens by what its process says in `run_dir`.

    Raises:
        LocalModelAway: it does not run, or is not ready.
    """
    said = read_said(run_dir, LOCAL_MODEL)
    if said is None or not is_alive(said.pid, said.process):
        raise LocalModelAway("the process of the local model does not run")
    address = read_json(address_file(run_dir), LocalAddress)
    if address is None or not said.ready or address.pid != said.pid:
        raise LocalModelAway("the process of the local model is not ready")
    return address


class ServedModel:
    """A `LocalServer` that others look after; nobody waits for it."""

    def __init__(self, project: Path) -> None:
        self._run_dir = run_folder(project)

    def begin(self) -> None:
        """See `LocalServer.begin`; it runs already, or will."""

    async def address(self) -> LocalAddress:
        """See `LocalServer.address`."""
        return announced_address(self._run_dir)


class OwnModel:
    """A `LocalServer` that starts a process of its own when it is needed and nobody else runs one.

    An async context manager; the process ends with it.
    """

    def __init__(self, loaded: Loaded, around: Surroundings) -> None:
        self._project = loaded.project
        self._run_dir = around.run_dir
        self._keeper = Keeper(_spec(loaded, around.run_dir), around, SystemClock(), self._hear)
        self._tasks = asyncio.TaskGroup()
        self._started = False
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._keeper.stop()
        # An error of the block is the caller's own: the group would wrap it.
        await self._tasks.__aexit__(None, None, None)

    async def address(self) -> LocalAddress:
        """See `LocalServer.address`; waits for a process that is being started, not for one that fell.

        Raises:
            LocalModelMissing: its file cannot be read; nothing is started for that.
            LocalModelBroken: its file is none that can be run here.
        """
        if not self._started and is_served(self._project):
            return announced_address(run_folder(self._project))
        if not self._started:
            await asyncio.to_thread(self._require_file)
        self._start()
        await self._loaded()
        status = self._keeper.status
        if status.state is State.WAITING and f"({LocalModelBroken.code})" in status.message:
            raise LocalModelBroken(f"the local model cannot be loaded; logs/{LOCAL_MODEL}.log says more")
        return announced_address(self._run_dir)

    def begin(self) -> None:
        """See `LocalServer.begin`."""
        if local_model(self._project) and not is_served(self._project):
            with suppress(LocalModelMissing, LocalModelBroken):  # said by `address`, when it is needed
                self._require_file()
                self._start()

    def _require_file(self) -> None:
        if model := local_model(self._project):
            local_file(model, self._project)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._tasks.create_task(self._keeper.run())

    async def _loaded(self) -> None:
        while self._keeper.status.state in (State.STOPPED, State.STARTING, State.NOT_READY):
            self._changed.clear()
            await self._changed.wait()

    def _hear(self, status: ChildStatus) -> None:
        del status  # the keeper has it
        self._changed.set()


@asynccontextmanager
async def own_model(loaded: Loaded) -> AsyncIterator[LocalServer]:
    """Have a local model for the block: the one that is served, else a process that ends with the block."""
    with (
        TemporaryDirectory(prefix="buttress-model-", ignore_cleanup_errors=True) as folder,
        lifeline() as stdin,
    ):
        around = Surroundings(run_dir=Path(folder), log_dir=log_folder(loaded.project), lifeline=stdin)
        async with OwnModel(loaded, around) as own:
            yield own


def _spec(loaded: Loaded, run_dir: Path) -> ChildSpec:
    """Return the process as `serve` would start it, with the settings that count here."""
    local = loaded.tree.models.local
    settings = [
        part
        for name in local.__struct_fields__
        for part in ("--set", f"models.local.{name}={getattr(local, name)}")
    ]
    return ChildSpec(
        name=LOCAL_MODEL,
        command=(
            *(sys.executable, "-m", "buttress", "--project", str(loaded.project), *settings),
            *("serve", "--role", LOCAL_MODEL, "--run-folder", str(run_dir)),
        ),
        ready_timeout_s=local.load_timeout_s,
        stop_timeout_s=loaded.tree.processes.stop_timeout_s,
        hang_timeout_s=loaded.tree.processes.hang_timeout_s,
    )
