"""The call worker: one process that answers questions over HTTP, until it is told to stop."""

import asyncio
from functools import partial
from pathlib import Path

from buttress.app.background import served
from buttress.app.buttress import Buttress
from buttress.app.layout import run_folder
from buttress.app.roles import announced
from buttress.processes.status import read_status
from buttress.processes.types import State
from buttress.server.asgi import CallServer
from buttress.server.running import serve, shared_socket
from buttress.settings.loading import Loaded


async def run_calls(loaded: Loaded, name: str) -> None:
    """Answer questions on the port of the settings, as the worker `name`.

    Raises:
        PortTaken: another program listens there.
        ButtressError: the project cannot be opened.
    """
    settings, draining = loaded.tree.server, asyncio.Event()
    with announced(loaded, name) as announcer, shared_socket(settings.host, settings.port) as listening:
        announcer.say(ready=False, message="compiling the features")
        async with served(loaded) as buttress:
            port, count = listening.getsockname()[1], len(buttress.releases)
            announcer.say(ready=True, message=f"{count} features", address=f"http://{settings.host}:{port}")
            server = CallServer(buttress, partial(waiting_for, run_folder(loaded.project), name), draining)
            async with asyncio.TaskGroup() as group:
                sealing = group.create_task(_seal_again_and_again(buttress))
                await serve(server, listening, settings, draining)
                sealing.cancel()


async def _seal_again_and_again(buttress: Buttress) -> None:
    while True:
        await asyncio.sleep(buttress.settings.tracing.ship_every_s)
        buttress.seal()


def waiting_for(run_dir: Path, name: str) -> dict[str, str]:
    """Return the roles that are not ready, each with the reason: not the worker `name`, nor optional ones."""
    return {
        role.name: role.message or role.state.value
        for role in read_status(run_dir)
        if role.state is not State.READY and role.name != name and not role.optional
    }
