"""What of a document counts, and which documents are scored together. Pure."""

from collections.abc import Iterator, Sequence

BATCH_CHARACTERS = 4_000
"""Documents are scored together up to so many characters: about a tenth of a second of work."""


def windowed(ids: Sequence[int], limit: int) -> Sequence[int]:
    """Return at most `limit` of `ids`, the last of which, that closes a text, is always among them."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]


def batches(lengths: Sequence[int], most: int = BATCH_CHARACTERS) -> Iterator[list[int]]:
    """Yield the places of documents of these `lengths`, the longest first, each `most` characters together.

    A longer document is alone. The longest come first so that threads end at about the same time.
    """
    batch: list[int] = []
    size = 0
    for place in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        if batch and size + lengths[place] > most:
            yield batch
            batch, size = [], 0
        batch.append(place)
        size += lengths[place]
    if batch:
        yield batch
