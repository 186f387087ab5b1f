"""Token vectors made small enough to be stored with each chunk, and compared as they are. Pure.

Neighbouring tokens that say nearly the same become one vector, their mean, until few enough are left; then of
each number only its sign is kept. Nothing is learned from the documents: what is stored of a text depends on
it and the model alone. What is lost by it, and what else was tried: docs/explanation/measurements.md.
"""

from collections.abc import Sequence
from math import pi, sqrt

from buttress.knowledge.index.products import every_product
from buttress.knowledge.ports import Vectors

REDUCED_VERSION = 1
"""Raised when other bytes are made of the same vectors: what is stored is made anew then."""

MOST_BYTES = 6_000
"""What the vectors of one text may take: 125 of 384 numbers."""

_KEPT = sqrt(2 / pi)
"""How much of a cosine is left, in the mean, when one of two directions is known by its signs alone."""


def reduced(tokens: Vectors) -> bytes:
    """Return what is stored of a text's `tokens`, a row of length 1 for each: at most `MOST_BYTES`."""
    import numpy as np  # noqa: PLC0415 - heavy

    most = max(1, MOST_BYTES // _width(tokens.shape[1]))
    return np.packbits(_pooled(tokens, most) > 0, axis=1).tobytes()


def similarities(query: Vectors, stored: Sequence[bytes]) -> list[float]:
    """Return how well each of `stored` texts answers `query`, 0 to 1: an estimate of `maxsim`.

    `query` has a row of length 1 for each token; none of `stored` is empty. All are compared at once: 50
    take some milliseconds.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    if not (stored and len(query)):
        return [0.0] * len(stored)
    dimensions = query.shape[1]
    width = _width(dimensions)
    packed = np.frombuffer(b"".join(stored), np.uint8).reshape(-1, width)
    bits = np.unpackbits(packed, axis=1, count=dimensions).astype(np.float32)
    # Of a sign s = 2 b - 1 the product with a query q is 2 b q - sum(q).
    products = 2 * every_product(bits, query) - query.sum(axis=1)
    starts = np.cumsum([0, *(len(one) // width for one in stored[:-1])])
    nearest = np.maximum.reduceat(products, starts, axis=0).mean(axis=1)
    scores: list[float] = np.clip(nearest / (sqrt(dimensions) * _KEPT), 0, 1).tolist()
    return scores


def _pooled(tokens: Vectors, most: int) -> Vectors:
    """Return at most `most` vectors: the means of pieces, cut where neighbouring tokens differ most."""
    import numpy as np  # noqa: PLC0415 - heavy

    if len(tokens) <= most:
        return tokens
    alike = (tokens[:-1] * tokens[1:]).sum(axis=1)
    cuts = np.sort(np.argsort(alike, kind="stable")[: most - 1]) + 1
    # The sums of the pieces have the signs of their means.
    sums: Vectors = np.add.reduceat(tokens, np.concatenate([[0], cuts]), axis=0)
    return sums


def _width(dimensions: int) -> int:
    """Return the bytes of one vector of so many numbers."""
    return -(-dimensions // 8)
