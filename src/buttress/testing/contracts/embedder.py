"""What every `knowledge.ports.Embedder` promises."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from buttress.knowledge.ports import Embedder, TokenEmbedder

TEXTS = ["The moon is far away.", "Refunds take fourteen days.", "x", "Der Mond ist weit weg.", "1 2 3"]


class EmbedderContract:
    """Subclass it and give one fixture: `embedder`."""

    def test_there_is_a_row_of_length_one_for_each_text(self, embedder: Embedder) -> None:
        """A dot product of two rows is their cosine."""
        rows = embedder.embed(TEXTS)
        assert rows.shape == (len(TEXTS), embedder.dimensions)
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        """The shape holds all the same."""
        assert embedder.embed([]).shape == (0, embedder.dimensions)

    def test_a_vector_depends_on_its_text_alone(self, embedder: Embedder) -> None:
        """Neither on its neighbours nor on the order: so vectors may be kept by text."""
        together = embedder.embed(TEXTS)
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
        backwards = embedder.embed(TEXTS[::-1])[::-1]
        assert np.allclose(together, alone, atol=1e-5)
        assert np.allclose(together, backwards, atol=1e-5)

    def test_many_threads_may_embed_at_once(self, embedder: Embedder) -> None:
        """Each gets its own rows."""
        expected = embedder.embed(TEXTS)
        with ThreadPoolExecutor(4) as threads:
            for rows in threads.map(embedder.embed, [TEXTS] * 8):
                assert np.allclose(rows, expected, atol=1e-5)

    def test_any_text_can_be_embedded(self, embedder: Embedder) -> None:
        """Nothing a document or a user sends may end an ingest or a search."""
        odd = ["", " \n\t", "\0", "\ud800 half", "😀" * 10, "word " * 50_000, "x" * 100_000, "\u202e\u0301"]
        rows = embedder.embed(odd)
        assert rows.shape == (len(odd), embedder.dimensions)
        assert np.isfinite(rows).all()

    def test_tokens_begin_in_order_and_inside_the_text(self, embedder: Embedder) -> None:
        """Chunks are measured by them."""
        for text in [*TEXTS, "", "a  b\n\nc", "naïve café 😀 x", "\ud800 half", "word " * 3_000]:
            starts = list(embedder.token_starts(text))
            assert starts == sorted(starts)
            assert all(0 <= start < len(text) for start in starts)

    def test_tokens_are_counted(self, embedder: Embedder) -> None:
        """The rate of an ingest is made of it."""
        before = embedder.tokens_embedded
        embedder.embed(["one two three"])
        assert embedder.tokens_embedded - before >= 3

    def test_tokens_come_with_the_vectors(self, embedder: Embedder) -> None:
        """Of those that give them: the same vectors, and the rows that are asked for by themselves."""
        if not (isinstance(embedder, TokenEmbedder) and embedder.gives_tokens):
            pytest.skip(f"{embedder.name} gives no vectors of tokens")
        vectors, tokens = embedder.embed_with_tokens(TEXTS, lambda rows: rows.tobytes())
        assert np.allclose(vectors, embedder.embed(TEXTS), atol=1e-5)
        for text, said in zip(TEXTS, tokens, strict=True):
            alone = embedder.token_vectors(embedder.token_ids(text))
            assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-4)
            assert np.allclose(np.frombuffer(said, np.float32).reshape(alone.shape), alone, atol=1e-4)

    def test_it_says_what_it_is(self, embedder: Embedder) -> None:
        """The fingerprint becomes part of a table's name."""
        assert embedder.name
        assert len(embedder.fingerprint) >= 12
        assert set(embedder.fingerprint) <= set("0123456789abcdef")
        assert embedder.max_tokens > 0
