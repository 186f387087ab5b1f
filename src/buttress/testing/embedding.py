"""An embedder without a model: quick, the same everywhere, and near where words are shared."""

import re
import threading
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from buttress.kernel.ids import content_hash
from buttress.knowledge.ports import Vectors

_WORD = re.compile(r"\w+")


class HashedWords:
    """An `Embedder`: each word adds to the dimension its hash says; texts with the same words are near."""

    name = "hashed words"
    gives_tokens = True
    max_tokens = 512

    def __init__(self, dimensions: int = 64, *, version: str = "1") -> None:
        self.dimensions = dimensions
        self.fingerprint = content_hash("hashed words", str(dimensions), version)
        self.tokens_embedded = 0
        self.embedded: list[str] = []
        """Every text that was embedded, in order."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        self.embedded += texts
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(rows, texts, strict=True):
            words = _WORD.findall(text.casefold())
            self.tokens_embedded += len(words) + 2
            for word in words:
                row[self._dimension(word)] += 1
        norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
        vectors: Vectors = rows / np.maximum(norms, np.float32(1e-9))
        return vectors

    def token_starts(self, text: str) -> Sequence[int]:
        """See `Embedder.token_starts`."""
        return [word.start() for word in _WORD.finditer(text)]

    def embed_with_tokens(
        self, texts: Sequence[str], reduce: Callable[[Vectors], bytes]
    ) -> tuple[Vectors, list[bytes]]:
        """See `TokenEmbedder.embed_with_tokens`."""
        return self.embed(texts), [reduce(self.token_vectors(self.token_ids(text))) for text in texts]

    def token_ids(self, text: str) -> Sequence[int]:
        """See `TokenEmbedder.token_ids`: a word each, and one that closes every text."""
        return [*(self._dimension(word) for word in _WORD.findall(text.casefold())), self.dimensions - 1]

    def token_vectors(self, ids: Sequence[int]) -> Vectors:
        """See `TokenEmbedder.token_vectors`: a word is near to itself, and to nothing else."""
        vectors: Vectors = _directions(self.dimensions)[np.array(ids, int)]
        return vectors

    def _dimension(self, word: str) -> int:
        return int(content_hash(word.encode("utf-8", "replace"))[:8], 16) % self.dimensions


@cache
def _directions(count: int) -> Vectors:
    """Return a direction for each word: rows of a Hadamard matrix (Sylvester's), which their signs tell.

    They are at right angles where `count` is a power of two, else nearly.
    """
    rows = np.ones((1, 1), np.float32)
    while len(rows) < count:
        rows = np.block([[rows, rows], [rows, -rows]])
    directions: Vectors = rows[:count, :count] / np.float32(np.sqrt(count))
    return directions


class SlowWords(HashedWords):
    """The same, but it embeds nothing until `may_go_on` is set, or ten seconds have passed."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        self.may_go_on.wait(10)
        return super().embed(texts)

    def token_vectors(self, ids: Sequence[int]) -> Vectors:
        """See `TokenEmbedder.token_vectors`."""
        self.may_go_on.wait(10)
        return super().token_vectors(ids)


class BrokenWords(HashedWords):
    """The same, but it gives `numbers` for every text that holds `word`.

    Where those are of another length than its vectors, all of its vectors are.
    """

    def __init__(self, word: str, numbers: Sequence[float]) -> None:
        super().__init__()
        self._word = word
        self._numbers = np.array(numbers, np.float32)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        vectors = super().embed(texts)
        broken = [self._word in text.casefold() for text in texts]
        if any(broken) and len(self._numbers) != self.dimensions:
            return np.tile(self._numbers, (len(texts), 1))
        vectors[broken] = self._numbers
        return vectors
