"""The packaged model, and any other in a folder."""

import asyncio
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from buttress.knowledge.embedding.embedder import OnnxEmbedder, SharedEmbedder, open_embedder
from buttress.knowledge.embedding.model_files import packaged_model
from buttress.knowledge.errors import EmbedderBroken, EmbedderMissing, RerankerBroken
from buttress.knowledge.settings import EmbedderSettings
from buttress.testing.contracts.embedder import EmbedderContract
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.reranking.tiny import write_cross_encoder, write_uneven_embedder


@pytest.mark.slow
class TestOnnxEmbedder(EmbedderContract):
    """The packaged model."""


class TestHashedWords(EmbedderContract):
    """The one for tests is held to the same."""

    @pytest.fixture
    def embedder(self) -> HashedWords:
        """Return it."""
        return HashedWords()


def test_meaning_is_near(embedder: OnnxEmbedder) -> None:
    """Without a shared word."""
    money, refund, moon = embedder.embed(["get my money back", "refund policy", "the moon rises at nine"])
    assert money @ refund > money @ moon + 0.2


def test_of_a_long_text_the_beginning_counts(embedder: OnnxEmbedder) -> None:
    """Up to `max_tokens`; counting cuts nothing."""
    text = "word " * 3_000
    first, second = embedder.embed([text, text + " and the end"])
    assert np.array_equal(first, second)
    assert len(embedder.token_starts(text)) == 3_000


def test_tokens_of_a_question_are_its_own_whatever_was_read_before(embedder: OnnxEmbedder) -> None:
    """What was read last is not read again, and never taken for another text."""
    asked, other = embedder.token_ids("get my money back"), embedder.token_ids("the moon rises at nine")
    alone = embedder.token_vectors(asked)
    for before in ("get my money back", "the moon rises at nine"):
        embedder.embed([before])
        assert embedder.token_vectors(asked) == pytest.approx(alone, abs=1e-6)
    assert len(embedder.token_vectors(other)) == len(other)


def test_other_limits_are_another_fingerprint(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    """The same files with the same settings are the same, wherever they lie."""
    files = packaged_model()
    shutil.copy(files.model, tmp_path)
    shutil.copy(files.tokenizer, tmp_path)
    same = open_embedder(EmbedderSettings(folder=str(tmp_path)))
    other = open_embedder(EmbedderSettings(folder=str(tmp_path), max_tokens=64))
    assert same.fingerprint == embedder.fingerprint != other.fingerprint
    assert same.name == tmp_path.name
    assert np.allclose(same.embed(["a b"]), embedder.embed(["a b"]), atol=1e-5)
    same.close()
    other.close()


@pytest.mark.parametrize("broken", ["model.onnx", "tokenizer.json"])
def test_files_that_are_no_model_are_refused_in_one_line(tmp_path: Path, broken: str) -> None:
    """The message names the file."""
    files = packaged_model()
    shutil.copy(files.model, tmp_path)
    shutil.copy(files.tokenizer, tmp_path)
    (tmp_path / broken).write_bytes(b"{}")
    with pytest.raises(EmbedderBroken, match=broken) as error:
        open_embedder(EmbedderSettings(folder=str(tmp_path)))
    assert "\n" not in error.value.message


def test_a_model_of_whole_texts_gives_no_tokens(tmp_path: Path) -> None:
    """Its output has no tokens; that is known when it is loaded, before anybody needs them."""
    folder = write_cross_encoder(tmp_path / "pooled", outputs=3)
    with closing(open_embedder(EmbedderSettings(folder=str(folder), max_tokens=16))) as pooled:
        assert (pooled.dimensions, pooled.gives_tokens) == (3, False)
        with pytest.raises(RerankerBroken, match="pooled gives no vectors of tokens"):
            pooled.token_vectors(pooled.token_ids("a"))


def test_vectors_of_different_lengths_are_one_line(tmp_path: Path) -> None:
    with closing(open_embedder(EmbedderSettings(folder=str(write_uneven_embedder(tmp_path))))) as embedder:
        assert len(embedder.embed(["one"])) == 1
        with pytest.raises(EmbedderBroken, match="gave 5 numbers for one text, and 3 for another"):
            embedder.embed(["one", "now three words"])


async def test_a_shared_model_is_loaded_once() -> None:
    """By whoever asks first, also when all ask at once."""
    shared = SharedEmbedder(EmbedderSettings(threads=1))
    first, second = await asyncio.gather(shared(), shared())
    assert first is second
    shared.close()


async def test_a_model_that_is_not_there_is_said() -> None:
    """To everybody who asks."""
    shared = SharedEmbedder(EmbedderSettings(folder="nowhere"))
    for _ in range(2):
        with pytest.raises(EmbedderMissing, match="nowhere"):
            await shared()
    shared.close()


@pytest.mark.slow
def test_nobody_is_told_that_a_model_is_used(tmp_path: Path) -> None:
    """Unless told not to, onnxruntime reports to its maker, and leaves an id of the machine."""
    code = (
        "from buttress.knowledge.embedding.embedder import open_embedder\n"
        "from buttress.knowledge.settings import EmbedderSettings\n"
        "open_embedder(EmbedderSettings()).close()"
    )
    subprocess.run([sys.executable, "-c", code], env={"HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
