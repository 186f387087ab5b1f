"""The call worker: one process that answers questions over HTTP, until it is told to stop."""

import asyncio
import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from buttress.access.limiter import Limiter
from buttress.access.table import Table
from buttress.app.background import served
from buttress.app.buttress import Buttress
from buttress.app.layout import limits_table, run_folder
from buttress.app.live import LOOK_EVERY_S, Live
from buttress.app.roles import announced
from buttress.kernel.wording import counted
from buttress.processes.status import read_status
from buttress.processes.types import State
from buttress.server.asgi import CallServer, Readiness
from buttress.server.bells import Bell
from buttress.server.gate import keyring_of
from buttress.server.metrics import WorkerMetrics
from buttress.server.running import require_local, serve, shared_socket, url_of
from buttress.settings.loading import Loaded

FIRST_KEYS_S = 3.0
"""How long a start waits for keys that this machine has not kept: PostgreSQL starts at the same time."""

GARBAGE = 10_000
"""After how many new objects those are looked for that only hold each other; a call makes some hundred."""


async def run_calls(loaded: Loaded, name: str) -> None:
    """Answer questions on the port of the settings, as the worker `name`.

    Raises:
        PortTaken, HostUnknown, RemoteWithoutKeys: it cannot or must not listen there.
        ButtressError: the project cannot be opened.
    """
    settings, draining = loaded.tree.server, Bell()
    require_local(settings)
    with announced(loaded, name) as announcer, shared_socket(settings.host, settings.port) as listening:
        announcer.say(ready=False, message="compiling the features")
        live = Live(loaded.project)
        async with served(loaded, await live.start()) as buttress:
            url = url_of(settings.host, listening.getsockname()[1])
            say = partial(announcer.keep_saying, ready=True, address=url)
            metrics = WorkerMetrics(run_folder(loaded.project), name, lambda: buttress.present)
            readiness = partial(_readiness, loaded, name, live, buttress)
            table = Table(limits_table(loaded.project), column_of(name))
            limiter = Limiter(table, buttress.clock, live.current.limits)
            keyring = keyring_of(buttress)
            keyring.recall()
            server = CallServer(buttress, readiness, draining, metrics, keyring, limiter)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(keyring.follow())]
                if settings.keys != "never":
                    await keyring.is_read_within(FIRST_KEYS_S)
                say(message=_doing(live, buttress))
                beside = [
                    _hand_over_again_and_again(buttress, metrics),
                    _follow(live, buttress, metrics, say, limiter),
                    buttress.share(),  # also alone: programs beside it, and other machines, hold money, too
                ]
                tasks += [group.create_task(one) for one in beside]
                _settle_down()
                await serve(server, listening, settings, draining)
                for task in tasks:
                    task.cancel()


def _settle_down() -> None:
    """Spare each call what is for nothing.

    What is loaded by now stays: to look at it again would only hold up streams. Of what is made since hardly
    anything goes round in circles: it is looked through less often. And every stream of events is closed by
    whoever began it (`aclosing`): the loop need not keep a list of them.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE)
    sys.set_asyncgen_hooks(firstiter=None)


async def _hand_over_again_and_again(buttress: Buttress, metrics: WorkerMetrics) -> None:
    """Give traces to whoever ships them, and counts to whichever worker is scraped."""
    while True:
        await asyncio.sleep(buttress.settings.tracing.ship_every_s)
        buttress.seal()
        metrics.write()


async def _follow(
    live: Live, buttress: Buttress, metrics: WorkerMetrics, say: Callable[..., None], limiter: Limiter
) -> None:
    """Answer by what the files of the project say, from about a second after they were changed."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if changed := await live.follow():
            buttress.adopt(changed)
            metrics.keep(buttress.names)
            limiter.follow(changed.limits)
        say(message=_doing(live, buttress))


def column_of(name: str) -> int:
    """Return which worker of its machine the one called `name` is, counted from 0: `calls-3` is 2."""
    number = name.rpartition("-")[2]
    return int(number) - 1 if number.isdecimal() and int(number) > 0 else 0


def _doing(live: Live, buttress: Buttress) -> str:
    """Return what answers: how many features, of which state of the files, and what is wrong with it."""
    current = f"{counted(len(live.current.releases), 'feature')}, project {live.current.fingerprint[:12]}"
    return "; ".join((current, *_problems(live, buttress)))


def _problems(live: Live, buttress: Buttress) -> list[str]:
    files = [f"its files have mistakes now: {live.problem}"] if live.problem else []
    return [*files, buttress.trouble] if buttress.trouble else files


def _readiness(loaded: Loaded, name: str, live: Live, buttress: Buttress) -> Readiness:
    return Readiness(waiting_for(run_folder(loaded.project), name), "; ".join(_problems(live, buttress)))


def waiting_for(run_dir: Path, name: str) -> dict[str, str]:
    """Return the roles that are not ready, each with the reason: not the worker `name`, nor optional ones."""
    return {
        role.name: role.message or role.state.value
        for role in read_status(run_dir)
        if role.state is not State.READY and role.name != name and not role.optional
    }
