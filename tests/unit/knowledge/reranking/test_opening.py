"""From the settings to the re-ranker."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from buttress.knowledge.errors import RerankerBroken, RerankerMissing
from buttress.knowledge.ports import Vectors
from buttress.knowledge.reranking.cross_encoder import CrossEncoder
from buttress.knowledge.reranking.late_interaction import LateInteraction
from buttress.knowledge.reranking.opening import cross_encoder_files, open_reranker, reranker_name
from buttress.knowledge.reranking.remote import RemoteReranker
from buttress.knowledge.settings import RerankerSettings
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.reranking.tiny import write_cross_encoder

HUB_NAME = "cross-encoder/ms-marco-MiniLM-L6-v2"


class Pooled:
    """An embedder that gives a vector for a text, and none for its tokens."""

    name, fingerprint, dimensions, max_tokens, tokens_embedded = "pooled", "0" * 12, 2, 512, 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        return HashedWords(2).embed(texts)

    def token_starts(self, text: str) -> Sequence[int]:
        """See `Embedder.token_starts`."""
        return list(range(len(text)))


@pytest.mark.parametrize(
    ("model", "embedder_folder", "name"),
    [
        pytest.param("", "", "all-MiniLM-L6-v2, int8, late interaction", id="nothing was configured"),
        pytest.param("", "models/mine", "mine, late interaction", id="another embedding model"),
        pytest.param(HUB_NAME, "", HUB_NAME, id="a model of the hub"),
        pytest.param("./models/ranker", "", "ranker", id="a folder"),
        pytest.param("https://rank.example/v1", "", "rank.example", id="a service"),
    ],
)
def test_what_clients_call_it(model: str, embedder_folder: str, name: str) -> None:
    assert reranker_name(RerankerSettings(model=model), embedder_folder) == name


def test_without_a_model_the_embedding_model_re_ranks() -> None:
    with closing(open_reranker(RerankerSettings(), HashedWords())) as reranker:
        assert isinstance(reranker, LateInteraction)
        assert reranker.name == "hashed words, late interaction"


def test_a_service_is_asked_where_a_url_is_written() -> None:
    with closing(open_reranker(RerankerSettings(model="http://127.0.0.1:1"), Pooled())) as reranker:
        assert isinstance(reranker, RemoteReranker)


@pytest.mark.parametrize("place", ["model.onnx", "onnx/model.onnx"])
def test_a_folder_is_opened(tmp_path: Path, place: str) -> None:
    settings = RerankerSettings(model=str(write_cross_encoder(tmp_path / "mine", place=place)))
    with closing(open_reranker(settings, HashedWords())) as reranker:
        assert isinstance(reranker, CrossEncoder)
        assert reranker.name == "mine"


def test_of_the_hubs_models_the_current_version_is_taken(tmp_path: Path) -> None:
    """Which one that is stands in `refs/main`."""
    kept = tmp_path / "models--cross-encoder--ms-marco-MiniLM-L6-v2"
    for version in ("aaa", "bbb"):
        write_cross_encoder(kept / "snapshots" / version, place="onnx/model.onnx")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("bbb")
    found = cross_encoder_files(RerankerSettings(model=HUB_NAME, hub_folder=str(tmp_path)))
    assert found.model == kept / "snapshots" / "bbb" / "onnx" / "model.onnx"
    assert found.name == HUB_NAME


@pytest.mark.parametrize("model", ["models/none", HUB_NAME, "no\0name", "/"])
def test_what_is_not_there_is_named(tmp_path: Path, model: str) -> None:
    with pytest.raises(RerankerMissing) as raised:
        open_reranker(RerankerSettings(model=model, hub_folder=str(tmp_path)), HashedWords())
    assert raised.value.message.startswith(f"{model}: there is no model.onnx with its tokenizer.json in ")
    assert "hf download" in raised.value.hint


def test_an_embedder_without_token_vectors_cannot() -> None:
    with pytest.raises(RerankerBroken, match="pooled gives no vectors of tokens"):
        open_reranker(RerankerSettings(), Pooled())
