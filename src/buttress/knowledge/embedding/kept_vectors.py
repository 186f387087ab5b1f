"""The vectors of what was embedded last, for who asks for the same texts again and again."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock

from buttress.knowledge.ports import Embedder, Vectors


class KeptVectors:
    """Embeds only what it has not kept; of what it keeps the text itself is forgotten.

    Many threads may use it at once. Answers that quote rank the sentences of the same passages for one
    question after the other, and most of their time goes into that.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()

    def embed(self, embedder: Embedder, question: str, texts: Sequence[str]) -> Vectors:
        """Return what `embedder`, always the same one, gives for `question` and for `texts`; raises the same.

        The question is not kept: how soon an answer comes tells nobody that it was asked before.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        found = self._kept(keys)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        asked, *rows = embedder.embed([question, *new.values()])
        # Copies: a row that is only looked at would keep all the others in memory, too.
        made = {key: row.copy() for key, row in zip(new, rows, strict=True)}
        self._keep(made)
        found |= made
        return np.stack([asked, *(found[key] for key in keys)])

    def _kept(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        with self._lock:
            found = {key: self._vectors[key] for key in keys if key in self._vectors}
            for key in found:
                self._vectors.move_to_end(key)
        return found

    def _keep(self, made: dict[bytes, Vectors]) -> None:
        with self._lock:
            self._vectors.update(made)
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)
