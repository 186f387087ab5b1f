"""The engine: the one that runs already, or one in this process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

from buttress.app.layout import engine_address, index_folder, knowledge_folder, run_folder
from buttress.kernel.clock import Clock
from buttress.knowledge.declared_now import DeclaredNow
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.embedding.generations import open_generation
from buttress.knowledge.engine.client import RemoteEngine
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.engine.wire import read_address
from buttress.knowledge.errors import EngineAway
from buttress.knowledge.ports import Engine
from buttress.knowledge.types import KnowledgeBase
from buttress.processes.identity import is_alive
from buttress.processes.status import read_said
from buttress.settings.loading import Loaded
from buttress.settings.secrets import resolve_secret

ENGINE = "engine"
"""What the engine's process is called among the roles."""


@asynccontextmanager
async def remote_engine(loaded: Loaded) -> AsyncIterator[Engine]:
    """Ask the engine process of this project; it may come and go in the meantime."""
    async with RemoteEngine(engine_address(loaded.project), loaded.tree.knowledge.engine) as engine:
        yield engine


@asynccontextmanager
async def local_engine(
    loaded: Loaded, knowledge: Mapping[str, KnowledgeBase], embedder: SharedEmbedder, clock: Clock
) -> AsyncIterator[LocalEngine]:
    """Have an engine in this process; the model is loaded when it is first needed."""
    parts = EngineParts(
        index_folder=index_folder(loaded.project),
        knowledge=knowledge,
        embedder=embedder,
        clock=clock,
        settings=loaded.tree.knowledge.engine,
        reranker=loaded.tree.knowledge.reranker,
        secret=partial(resolve_secret, project=loaded.project),
        declared=DeclaredNow(knowledge_folder(loaded.project)),
        open_model=partial(open_generation, settings=loaded.tree.knowledge.embedder),
    )
    with closing(LocalEngine(parts)) as engine:
        yield engine


def engine_runs(project: Path) -> bool:
    """Say whether an engine process of this project is alive: the very one, not a later one of its pid."""
    said = read_said(run_folder(project), ENGINE)
    try:
        address = read_address(engine_address(project))
    except EngineAway:
        return False
    return said is not None and said.pid == address.pid and is_alive(said.pid, said.process)
