"""A model that reads question and document together, in real ONNX."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.embedding.model_files import packaged_model
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.ports import Reranker
from buttress.knowledge.ranking.calibration import logistic
from buttress.knowledge.reranking.cross_encoder import CrossEncoder, CrossEncoderFiles
from buttress.knowledge.search_types import Reranking
from buttress.knowledge.settings import RerankerSettings
from buttress.testing.contracts.reranker import MAX_TOKENS, QUERY, RerankerContract
from tests.unit.knowledge.reranking.tiny import write_cross_encoder

SETTINGS = RerankerSettings(max_tokens=MAX_TOKENS, threads=2)


def files_in(folder: Path) -> CrossEncoderFiles:
    return CrossEncoderFiles(name="tiny", model=folder / "model.onnx", tokenizer=folder / "tokenizer.json")


def opened(folder: Path) -> CrossEncoder:
    return CrossEncoder(files_in(folder), SETTINGS)


class TestCrossEncoder(RerankerContract):
    """Both kinds of models give the same scores, up to what a logit means."""

    @pytest.fixture(params=[1, 2])
    async def reranker(self, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Reranker]:
        """Return one that gives one number for a pair, and one that gives two."""
        reranker = opened(write_cross_encoder(tmp_path, outputs=request.param))
        yield reranker
        reranker.close()


async def test_one_logit_is_put_between_0_and_1(tmp_path: Path) -> None:
    """Five of five tokens, and the one that closes each text: 6 - 3."""
    reranker = opened(write_cross_encoder(tmp_path))
    done = await reranker.rerank(Reranking(query=QUERY, documents=[QUERY, "moon"]))
    assert done.scores == pytest.approx([logistic(3), logistic(-2)], abs=1e-6)
    assert done.tokens == (1 + 5 + 1 + 5 + 1) + (1 + 5 + 1 + 1 + 1)
    reranker.close()


@pytest.mark.parametrize(
    ("outputs", "kinds", "message"),
    [
        pytest.param(3, "token_type_ids", "gives 3 numbers for a pair", id="a model of another kind"),
        pytest.param(1, "pixels", "takes pixels: it is no cross-encoder", id="an input that nobody knows"),
    ],
)
async def test_a_model_that_is_no_cross_encoder(
    tmp_path: Path, outputs: int, kinds: str, message: str
) -> None:
    folder = write_cross_encoder(tmp_path, outputs=outputs, kinds=kinds)
    with pytest.raises(RerankerBroken, match=message):
        await opened(folder).rerank(Reranking(query="a", documents=["b"]))


@pytest.mark.parametrize("outputs", [1, 2])
async def test_a_score_that_is_no_number_is_refused(tmp_path: Path, outputs: int) -> None:
    """It would be sorted anywhere."""
    reranker = opened(write_cross_encoder(tmp_path, outputs=outputs, bias=float("nan")))
    with pytest.raises(RerankerBroken, match="tiny gave a score that is no number"):
        await reranker.rerank(Reranking(query=QUERY, documents=["moon"]))
    reranker.close()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_is_broken_is_named(tmp_path: Path, name: str) -> None:
    (write_cross_encoder(tmp_path) / name).write_bytes(b"no such thing")
    with pytest.raises(RerankerBroken, match=name.replace(".", r"\.")):
        opened(tmp_path)


def test_one_that_is_refused_leaves_no_threads(tmp_path: Path) -> None:
    before = set(threading.enumerate())  # those of tests before may end meanwhile
    with pytest.raises(RerankerBroken, match="takes pixels") as raised:
        opened(write_cross_encoder(tmp_path, kinds="pixels"))
    assert raised.tb is not None  # it holds what was half made: its threads would still be there
    assert set(threading.enumerate()) <= before


@pytest.mark.slow
async def test_an_embedding_model_is_none() -> None:
    files = packaged_model()
    named = CrossEncoderFiles(name=files.name, model=files.model, tokenizer=files.tokenizer)
    with pytest.raises(RerankerBroken, match="numbers for a pair, not one or two"):
        await CrossEncoder(named, SETTINGS).rerank(Reranking(query="a", documents=["b"]))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_larger_logit_never_scores_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= logistic(low) <= logistic(high) <= 1
