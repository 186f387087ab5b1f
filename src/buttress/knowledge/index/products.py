"""Products of vectors, on one core each. Pure.

By `@`, numpy's linear algebra gives all but small products to threads of its own, one for each core, and they
spin while they wait. Beside other work a question took longer for it than for all it asked: 62 ms in place of
12 for 100,000 rows on two busy cores, and the embedding that came next three times as long.
"""

from buttress.knowledge.ports import Vectors

_SMALL = 1 << 18
"""Multiplications up to which the library (OpenBLAS) uses no threads."""


def cosines(rows: Vectors, vector: Vectors) -> Vectors:
    """Return the product of each of `rows` with `vector`: their cosines, where all are of length 1."""
    import numpy as np  # noqa: PLC0415 - heavy

    products: Vectors = np.vecdot(rows, vector)
    return products


def every_product(rows: Vectors, columns: Vectors) -> Vectors:
    """Return the product of each of `rows` with each of `columns`: a row for a row."""
    import numpy as np  # noqa: PLC0415 - heavy

    at_once = max(1, _SMALL // max(1, columns.size))
    products: Vectors = np.empty((len(rows), len(columns)), np.float32)
    for first in range(0, len(rows), at_once):
        part = slice(first, first + at_once)
        np.matmul(rows[part], columns.T, out=products[part])
    return products
