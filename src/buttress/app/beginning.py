"""What an application begins with: the engine and the local model, its own or those of `buttress serve`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from buttress.app.declared import Declared
from buttress.app.engine import engine_runs, local_engine, remote_engine
from buttress.app.local_model import ServedModel, own_model
from buttress.app.project import knowledge_bases
from buttress.kernel.clock import SystemClock
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.ports import Engine
from buttress.models.ports import LocalServer
from buttress.settings.loading import Loaded


class Beginning(msgspec.Struct, frozen=True):
    """What searches and embeds, and the local model; `is_served`: other processes of a `serve` run them."""

    engine: Engine
    embedder: SharedEmbedder
    local: LocalServer
    is_served: bool


@asynccontextmanager
async def engine_for(
    loaded: Loaded, declared: Declared | None, embedder: SharedEmbedder
) -> AsyncIterator[Engine]:
    """Open the engine that `buttress serve` runs for the project; where none runs, one in this process."""
    if engine_runs(loaded.project):
        async with remote_engine(loaded) as remote:
            yield remote
    else:
        knowledge = declared.knowledge if declared else knowledge_bases(loaded.project)
        async with local_engine(loaded, knowledge, embedder, SystemClock()) as local:
            yield local


@asynccontextmanager
async def model_for(loaded: Loaded, *, served: bool) -> AsyncIterator[LocalServer]:
    """Open the local model: where the project is `served` somebody else runs it."""
    if served:
        yield ServedModel(loaded.project)
    else:
        async with own_model(loaded) as own:
            yield own
