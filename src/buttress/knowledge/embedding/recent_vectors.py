"""The vectors of what was embedded last, for who asks for the same texts again and again."""

from collections.abc import Sequence
from hashlib import blake2b

from buttress.knowledge.ports import Embedder, Vectors
from buttress.knowledge.recent import Recent


class RecentVectors:
    """Embeds only what it has not kept, of which there are `most_bytes`; the texts themselves are forgotten.

    Many threads may use it at once. Answers that quote rank the sentences of the same passages for one
    question after the other, and most of their time goes into that.
    """

    def __init__(self, most_bytes: int) -> None:
        self._kept = Recent[Vectors](most_bytes, lambda vector: int(vector.nbytes))

    def embed(self, embedder: Embedder, question: str, texts: Sequence[str]) -> Vectors:
        """Return what `embedder`, always the same one, gives for `question` and for `texts`; raises the same.

        The question is not kept: how soon an answer comes tells nobody that it was asked before.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        found = {key: vector for key in keys if (vector := self._kept.get(key)) is not None}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        asked, *rows = embedder.embed([question, *new.values()])
        for key, row in zip(new, rows, strict=True):
            # A copy: a row that is only looked at would keep all the others in memory, too.
            found[key] = row.copy()
            self._kept.put(key, found[key])
        return np.stack([asked, *(found[key] for key in keys)])
