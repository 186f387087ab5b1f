"""From chunks to what is stored of them."""

from pathlib import Path

import pytest

from buttress.knowledge.embedding.embedder import OnnxEmbedder
from buttress.knowledge.errors import VectorInvalid
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.reranking.reduced import MOST_BYTES, reduced
from buttress.knowledge.syncing.encoding import Encoder, encoded_by
from buttress.knowledge.types import FolderSource, KnowledgeBase, SearchSettings
from buttress.testing.documents import Written, chunks_of
from buttress.testing.embedding import BrokenWords, HashedWords

SOURCES = (FolderSource(folder="docs", readers=("*",)),)
PLAIN = KnowledgeBase(name="garden", sources=SOURCES)
LATE = KnowledgeBase(name="garden", sources=SOURCES, search=SearchSettings(rerank="late"))
WRITTEN = Written(path="a.md", texts=("roses want sun", "moss wants shade"))
TEXTS = {one.embed_key: one.embedded for one in chunks_of(WRITTEN)}


class Wordless(HashedWords):
    """Gives a vector for a text, and none for its tokens."""

    gives_tokens = False


async def encoder(folder: Path, base: KnowledgeBase, embedder: HashedWords) -> Encoder:
    index = await open_index(folder)
    return Encoder(base, embedder, await index.make("garden", embedder.fingerprint, embedder.dimensions))


@pytest.mark.parametrize(
    ("base", "embedder", "is_stored"),
    [
        pytest.param(PLAIN, HashedWords(), False, id="nobody would compare them"),
        pytest.param(LATE, HashedWords(), True, id="a search re-ranks by them"),
        pytest.param(LATE, Wordless(), False, id="the model gives none"),
    ],
)
async def test_tokens_are_made_where_they_are_needed(
    tmp_path: Path, base: KnowledgeBase, embedder: HashedWords, *, is_stored: bool
) -> None:
    """With the same vectors either way."""
    made = await (await encoder(tmp_path, base, embedder)).made(TEXTS)
    assert list(made) == list(TEXTS)
    assert [bool(one.tokens) for one in made.values()] == [is_stored] * 2
    for text, one in zip(TEXTS.values(), made.values(), strict=True):
        assert one.vector == pytest.approx(embedder.embed([text])[0])


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        pytest.param([float("nan")] * 64, "no number", id="not a number"),
        pytest.param([float("inf")] * 64, "no number", id="infinite"),
        pytest.param([0.1] * 63, "63 numbers, not 64", id="too few"),
        pytest.param([0.1] * 128, "128 numbers, not 64", id="too many"),
    ],
)
async def test_a_vector_that_is_none_is_said_with_its_place(
    tmp_path: Path, numbers: list[float], said: str
) -> None:
    """One line: who gave what, for which characters of which document."""
    encode = await encoder(tmp_path, LATE, BrokenWords("moss", numbers))
    with pytest.raises(VectorInvalid, match=f"{said}.* a.md, characters ") as failed:
        encode.checked("a.md", chunks_of(WRITTEN), await encode.made(TEXTS))
    assert "\n" not in failed.value.message


async def test_other_documents_of_the_same_batch_are_kept(tmp_path: Path) -> None:
    """Each is looked at by itself."""
    encode = await encoder(tmp_path, LATE, BrokenWords("moss", [float("nan")] * 64))
    made = await encode.made(TEXTS)
    assert len(encode.checked("a.md", chunks_of(WRITTEN)[:1], made)) == 1


def test_only_the_re_ranker_that_needs_tokens_changes_what_is_stored() -> None:
    """So only then everything is encoded anew."""
    model = KnowledgeBase(name="garden", sources=SOURCES, search=SearchSettings(rerank="model", depth=7))
    assert encoded_by(PLAIN, "abc") == encoded_by(model, "abc") == "abc" != encoded_by(LATE, "abc")


async def test_the_packaged_model_gives_both_in_one_run(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    """The same vectors as alone, and the tokens as they are asked for by themselves."""
    before = embedder.tokens_embedded
    texts = ["Refunds take fourteen days.", "word " * 1_000]
    vectors, tokens = embedder.embed_with_tokens(texts, reduced)
    read = embedder.tokens_embedded - before
    assert vectors == pytest.approx(embedder.embed(texts), abs=1e-5)
    assert read == embedder.tokens_embedded - before - read
    assert tokens[0] == reduced(embedder.token_vectors(embedder.token_ids(texts[0])))
    assert len(tokens[1]) <= MOST_BYTES
