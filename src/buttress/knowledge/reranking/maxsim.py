"""A score out of token vectors. Pure."""

from buttress.knowledge.ports import Vectors


def maxsim(query: Vectors, document: Vectors) -> float:
    """Return how well `document` answers `query`, 0 to 1; both are unit vectors, a row for each token.

    For each token of the query its nearest one of the document counts, by the cosine. That is the score of
    Khattab & Zaharia (ColBERT, SIGIR 2020, eq. 3), but the mean where they take the sum: so it does not grow
    with the query. What is below 0 is 0, and so is a score without tokens on either side.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    if not (len(query) and len(document)):
        return 0.0
    # Not by `@`: its library would use all cores for each document, and on a busy machine wait for them.
    cosines = np.einsum("qd,td->qt", query, document)
    mean = float(cosines.max(axis=1).mean())
    return min(1.0, max(0.0, mean))
