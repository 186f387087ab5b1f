"""The engine's re-ranker, handed to whoever asks models."""

from pathlib import Path

import pytest

from buttress.app.reranking import EngineReranker, own_reranker_name, with_own_reranker
from buttress.kernel.catalogue import KEPT_HERE, Catalogue, Model, Price
from buttress.kernel.errors import ButtressError
from buttress.knowledge.engine.client import RemoteEngine
from buttress.knowledge.errors import EngineAway, EngineBusy, EngineTimeout, RerankerMissing
from buttress.knowledge.search_types import Reranked, Reranking
from buttress.knowledge.settings import EngineSettings, RerankerSettings
from buttress.models.decide import effect_of, is_overload
from buttress.models.errors import LocalModelAway, ModelBusy, ModelTimeout
from buttress.settings.tree import KnowledgeSettings
from buttress.testing.contracts.engine import local_engine
from buttress.testing.embedding import HashedWords

OWN = "all-MiniLM-L6-v2, int8, late interaction"


async def test_the_engine_scores(tmp_path: Path) -> None:
    engine = local_engine(tmp_path, HashedWords())
    scored = await EngineReranker(engine).rerank("red roses", ["blue", "red roses", "roses"], None)
    assert scored.scores[1] > scored.scores[2] > scored.scores[0]
    assert (scored.tokens, scored.truncated) == (3 + 2 + 3 + 2, [])
    engine.close()


class Failing(RemoteEngine):
    """An engine whose re-ranking fails."""

    def __init__(self, folder: Path, error: ButtressError) -> None:
        super().__init__(folder / "engine.address", EngineSettings())
        self._error = error

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Engine.rerank`."""
        assert asked.documents
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(EngineBusy("4 run"), ModelBusy, id="too many"),
        pytest.param(EngineTimeout("10 s"), ModelTimeout, id="too late"),
        pytest.param(EngineAway("gone"), LocalModelAway, id="not there"),
        pytest.param(RerankerMissing("no files"), RerankerMissing, id="what has to be mended stays as it is"),
    ],
)
async def test_what_hinders_it_is_said_as_of_a_model(
    tmp_path: Path, error: ButtressError, kind: type[ButtressError]
) -> None:
    """So that the next rung of a ladder is asked at once, and nobody again."""
    with pytest.raises(kind, match=error.message) as raised:
        await EngineReranker(Failing(tmp_path, error)).rerank("q", ["d"], None)
    assert raised.value.hint == error.hint


async def test_too_many_documents_for_the_time_say_nothing_against_the_model(tmp_path: Path) -> None:
    """Else whoever asks for too much would take it from all others."""
    with pytest.raises(ModelTimeout) as raised:
        await EngineReranker(Failing(tmp_path, EngineTimeout("10 s"))).rerank("q", ["d"], None)
    assert (effect_of(raised.value), is_overload(raised.value)) == ("neither", False)


def test_it_needs_no_entry() -> None:
    quotes = Model(name="quotes", provider="extractive")
    both = with_own_reranker(Catalogue({"quotes": quotes}, {}), KnowledgeSettings())
    assert list(both.models) == [OWN, "quotes"]
    own = both.models[OWN]
    assert (own.provider, own.price, own.policy) == ("own-rerank", Price(input=0.0, output=0.0), KEPT_HERE)
    assert both.ladder(OWN).names == (OWN,)


def test_an_entry_of_its_name_goes_before_it() -> None:
    settings = KnowledgeSettings(reranker=RerankerSettings(model="models/mine.d/ranker"))
    assert own_reranker_name(settings) == "ranker"
    other = Model(name="ranker", provider="rerank", base_url="http://gpu/v1")
    assert with_own_reranker(Catalogue({"ranker": other}, {}), settings).models == {"ranker": other}
