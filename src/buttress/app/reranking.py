"""The project's own re-ranker, for whoever asks models: in the engine, without an entry in models.yaml."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from buttress.kernel.catalogue import KEPT_HERE, Catalogue, Model, Price
from buttress.knowledge.errors import EngineAway, EngineBusy, EngineTimeout
from buttress.knowledge.ports import Engine
from buttress.knowledge.reranking.opening import reranker_name
from buttress.knowledge.search_types import Reranking
from buttress.models.errors import LocalModelAway, ModelBusy, ModelTimeout
from buttress.models.types import Scored
from buttress.settings.tree import KnowledgeSettings


class EngineReranker:
    """A `models.ports.Reranker`: the engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def rerank(self, query: str, documents: Sequence[str], max_tokens: int | None) -> Scored:
        """See `Reranker.rerank`."""
        with _as_of_a_model():
            asked = Reranking(query=query, documents=list(documents), max_tokens=max_tokens)
            done = await self._engine.rerank(asked)
        return Scored(scores=done.scores, tokens=done.tokens, truncated=done.truncated)


@contextmanager
def _as_of_a_model() -> Iterator[None]:
    """Say what hinders the engine as it is said of models: who asks those knows what to do about it."""
    try:
        yield
    except EngineBusy as error:
        raise ModelBusy(error.message, hint=error.hint) from error
    except EngineTimeout as error:  # says how much was asked for, and nothing against the model
        raise ModelTimeout(error.message, hint=error.hint, data={"waited_for": "total"}) from error
    except EngineAway as error:
        raise LocalModelAway(error.message, hint=error.hint) from error


def own_reranker_name(settings: KnowledgeSettings) -> str:
    """Return the name by which the own re-ranker is asked."""
    return reranker_name(settings.reranker, settings.embedder.folder)


def with_own_reranker(catalogue: Catalogue, settings: KnowledgeSettings) -> Catalogue:
    """Return `catalogue` with the own re-ranker in it, unless a model of models.yaml has its name."""
    name, free = own_reranker_name(settings), Price(input=0.0, output=0.0)
    own = Model(name=name, provider="own-rerank", price=free, policy=KEPT_HERE)
    return replace(catalogue, models={name: own, **catalogue.models})
