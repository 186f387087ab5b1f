"""Late interaction: question and document are read apart, and compared token by token.

It needs no weights but those of the embedding model, and what was read of a document serves every question.
"""

import hashlib
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from buttress.knowledge.embedding.onnx_models import CHARACTERS_PER_TOKEN
from buttress.knowledge.ports import TokenEmbedder, Vectors
from buttress.knowledge.recent import Recent
from buttress.knowledge.reranking.maxsim import maxsim
from buttress.knowledge.reranking.scores import Score, reranked
from buttress.knowledge.reranking.threads import Threads
from buttress.knowledge.reranking.windows import windowed
from buttress.knowledge.search_types import Reranked, Reranking
from buttress.knowledge.settings import RerankerSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Halves: TypeAlias = "npt.NDArray[np.float16]"
"""Unit vectors, one a row, in half the bytes: their cosines differ by less than 0.001."""


class _Read(msgspec.Struct, frozen=True):
    """A document as the model read it: a vector for each token; `is_cut`: only its beginning."""

    vectors: Halves
    is_cut: bool


class LateInteraction:
    """A `Reranker` over an embedding model's token vectors. Close it to end its threads, not the model's."""

    def __init__(self, name: str, model: TokenEmbedder, settings: RerankerSettings) -> None:
        self._name = name
        self._model = model
        self._window = min(model.max_tokens, settings.max_tokens)
        self._threads = Threads(settings.threads)
        self._kept = Recent[_Read](settings.keep_bytes, lambda read: int(read.vectors.nbytes))

    @property
    def name(self) -> str:
        """See `Reranker.name`."""
        return self._name

    @property
    def kept_bytes(self) -> int:
        """How much memory the vectors of documents take that were re-ranked lately."""
        return self._kept.size_bytes

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Reranker.rerank`."""
        # Two tokens open and close a text: who asks for so many of a document does not mean them.
        limit = min(self._window, (asked.max_tokens or self._window) + 2)
        query = await self._threads.run(partial(self._read_anew, asked.query, self._window))
        vectors = _whole(query)
        scored = await self._threads.each(partial(self._score, vectors, limit), asked.documents)
        return reranked(scored, besides=len(vectors))

    def close(self) -> None:
        """See `Reranker.close`."""
        self._threads.close()

    def _score(self, query: Vectors, limit: int, document: str) -> Score:
        read = self._read(document, limit)
        return Score(maxsim(query, _whole(read)), len(read.vectors), read.is_cut)

    def _read(self, text: str, limit: int) -> _Read:
        key = hashlib.blake2b(
            text.encode("utf-8", "replace"), digest_size=16, salt=limit.to_bytes(8)
        ).digest()
        read = self._kept.get(key)
        if read is None:
            read = self._read_anew(text, limit)
            self._kept.put(key, read)
        return read

    def _read_anew(self, text: str, limit: int) -> _Read:
        import numpy as np  # noqa: PLC0415 - heavy

        seen = text[: limit * CHARACTERS_PER_TOKEN]
        ids = self._model.token_ids(seen)
        is_cut = len(ids) > limit or len(seen) < len(text)
        return _Read(self._model.token_vectors(windowed(ids, limit)).astype(np.float16), is_cut)


def _whole(read: _Read) -> Vectors:
    """Return the vectors as they are compared: a document that was kept scores as one that was not."""
    import numpy as np  # noqa: PLC0415 - heavy

    return read.vectors.astype(np.float32)
