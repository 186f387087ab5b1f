"""A world for calls, opened for each test: event loops are not shared."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from buttress.app.filling import EngineRanker, OpenEgress, PriceMeter
from buttress.app.layout import index_folder
from buttress.app.local_model import ServedModel
from buttress.app.project import knowledge_bases
from buttress.app.reranking import EngineReranker
from buttress.gateway.ports import Ports
from buttress.guardrails.settings import GuardrailSettings
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.knowledge.embedding.embedder import OnnxEmbedder
from buttress.knowledge.engine.client import RemoteEngine
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.ports import Embedder, Engine
from buttress.knowledge.settings import EngineSettings
from buttress.models.counting import Counters
from buttress.models.deployments import Deployments
from buttress.models.providers.building import ProviderParts, build_provider
from buttress.models.providers.http import HttpParts
from buttress.models.providers.local import Gate, LocalParts
from buttress.models.settings import ModelSettings, QuoteSettings
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.releases.pool import FunctionPool
from buttress.releases.rulebook import Rulebook
from buttress.releases.settings import ReleaseSettings
from buttress.tracing.types import Trace
from tests.unit.gateway.world import Remembering, World, a_release

SETTINGS = ModelSettings(
    first_token_timeout_s=20,
    idle_timeout_s=0.3,
    total_timeout_s=40,
    backoff_base_s=0.0,
    quotes=QuoteSettings(rank_timeout_s=30),
)


@pytest.fixture
async def world(ingested: Path, embedder: OnnxEmbedder, tmp_path: Path) -> AsyncIterator[World]:
    """The ingested project's index, the release `support`, and every trace that is recorded."""

    async def model() -> Embedder:
        return embedder

    engine = LocalEngine(
        EngineParts(
            index_folder=index_folder(ingested),
            knowledge=knowledge_bases(ingested),
            embedder=model,
            clock=SystemClock(),
            settings=EngineSettings(stage_timeout_s=30, call_timeout_s=60),
        )
    )
    async with a_world(engine, tmp_path) as made:
        yield made


@pytest.fixture
async def bare(away: RemoteEngine, tmp_path: Path) -> AsyncIterator[World]:
    """A world without documents: for what searches nothing."""
    async with a_world(away, tmp_path) as made:
        yield made


@asynccontextmanager
async def a_world(engine: Engine, tmp_path: Path) -> AsyncIterator[World]:
    """Make a world whose documents are searched by `engine`."""
    async with AsyncExitStack() as stack:
        sessions = await stack.enter_async_context(Sessions(OutboundSettings()))
        parts = ProviderParts(
            http=HttpParts(sessions=sessions, settings=SETTINGS, resolve_secret=str, clock=SystemClock()),
            ranker=EngineRanker(engine),
            reranker=EngineReranker(engine),
            local=LocalParts(server=ServedModel(tmp_path), gate=Gate(SETTINGS.local)),
        )

        functions = FunctionPool(ReleaseSettings(function_deadline_s=0.2, load_deadline_s=60))
        stack.push_async_callback(functions.aclose)

        begun: list[Trace] = []
        traces: list[Trace] = []
        memory = Remembering()
        release = a_release()
        yield World(
            Ports(
                releases={release.feature: release},
                catalogue=Catalogue({}, {}),
                rulebook=lambda _: Rulebook(tmp_path, functions),
                engine=engine,
                provider=lambda one: build_provider(one, parts),
                counter=Counters(tmp_path).of,
                deployments=Deployments(SETTINGS, SystemClock()),
                egress=OpenEgress(),
                meter=lambda _: PriceMeter(SystemClock()),
                memory=memory,
                begin=begun.append,
                record=traces.append,
                clock=SystemClock(),
                chance=SeededChance(7),
                models=SETTINGS,
                guardrails=GuardrailSettings(),
            ),
            begun,
            traces,
            memory,
        )


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[RemoteEngine]:
    """An engine whose process is not there."""
    async with RemoteEngine(tmp_path / "engine.address", EngineSettings()) as engine:
        yield engine
