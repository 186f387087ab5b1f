"""What the processes of `serve` have in common, and what the engine's does until it is told to stop.

Nothing of the way of a call is imported here: the engine is what a start waits for.
"""

import asyncio
import signal
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import structlog

from buttress.app.engine import local_engine
from buttress.app.engine_health import WatchedEngine
from buttress.app.layout import engine_address, run_folder
from buttress.app.live import LOOK_EVERY_S, Live
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.engine.server import serve_engine
from buttress.knowledge.errors import NotIngested
from buttress.knowledge.ports import Engine
from buttress.knowledge.search_types import Query
from buttress.knowledge.types import KnowledgeBase
from buttress.processes.announcing import Announcer
from buttress.processes.beating import beating
from buttress.processes.lifeline import GRACE_S, exit_when_parent_dies
from buttress.settings.loading import Loaded

_log = structlog.get_logger("buttress.app.roles")


@contextmanager
def announced(
    loaded: Loaded, name: str, grace_s: float = GRACE_S, *, run_dir: Path | None = None
) -> Iterator[Announcer]:
    """Be the role `name` for the block, in a running event loop, whose beat it gives.

    It ends with the supervisor, and says at the end that it was meant. Where the supervisor is killed the
    block has `grace_s` seconds to end in order. `run_dir` is where it is said when not in the project's run
    folder.
    """
    exit_when_parent_dies(grace_s)
    announcer = Announcer(run_dir or run_folder(loaded.project), name, SystemClock())
    try:
        with beating(announcer.beat):
            yield announcer
    except ButtressError as error:
        announcer.say(ready=False, message=f"{error.message} ({error.code})")
        raise
    announcer.withdraw()


def stop_asked() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, from now on."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    return asked


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event`, at most so long; say whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def run_engine(loaded: Loaded) -> None:
    """Load the model and the index, and search for the other processes."""
    asked, settings = stop_asked(), loaded.tree.knowledge
    with announced(loaded, "engine") as announcer, closing(SharedEmbedder(settings.embedder)) as embedder:
        announcer.say(ready=False, message="loading the model")
        live = Live(loaded.project)
        knowledge = dict((await live.start()).knowledge)
        async with local_engine(loaded, knowledge, embedder, SystemClock()) as engine:
            # Side by side: the one waits for imports, the other for onnxruntime. Errors come bare.
            await asyncio.gather(engine.warm(), embedder())
            await _search_once(engine, knowledge.values())
            watched = WatchedEngine(engine, SystemClock(), settings.engine.stage_timeout_s)
            async with serve_engine(watched, engine_address(loaded.project), settings.engine) as address:
                say = partial(announcer.keep_saying, address=f"{address.host}:{address.port}")
                say(ready=True)
                while not await set_within(asked, LOOK_EVERY_S):
                    if changed := await live.follow():
                        await _search_instead(knowledge, changed.knowledge, engine)
                    trouble = await watched.look_again(knowledge.values())
                    say(ready=not trouble, message=trouble)


async def _search_instead(
    searched: dict[str, KnowledgeBase], declared: dict[str, KnowledgeBase], engine: Engine
) -> None:
    """Search what is declared now; `searched` is the engine's own view, so it is changed in place."""
    new = [base for name, base in declared.items() if name not in searched]
    searched.clear()
    searched.update(declared)
    await _search_once(engine, new)


async def _search_once(engine: Engine, knowledge: Iterable[KnowledgeBase]) -> None:
    """Search every knowledge base once: the first search opens its table, and takes a second or more."""
    for base in knowledge:
        try:
            await engine.search(
                Query(knowledge=base.name, text="first", scope=Scope(base.tenant, frozenset()))
            )
        except NotIngested:
            continue
        except ButtressError as error:  # the other knowledge bases can be searched all the same
            _log.warning("engine.cannot_search", knowledge=base.name, code=error.code, reason=error.message)
