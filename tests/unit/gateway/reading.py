"""A feature that reads a long text in pieces, and a model that knows which towns are in them."""

from collections.abc import Sequence

import msgspec

from buttress.gateway.ports import Ports
from buttress.gateway.types import Asked
from buttress.kernel.catalogue import Model
from buttress.prompts.defaults import MERGE, PIECE
from buttress.releases.types import FallbackText, MapStage, Release
from buttress.testing.upstream import Received, Reply
from tests.unit.gateway.shelf import Shelf
from tests.unit.gateway.world import World, a_model, a_release, with_release

NO_ANSWER = "There is nothing about that in it."
STAGE = MapStage(
    name="read",
    ladder="answers",
    prompt="piece.md",
    merge="merge.md",
    knowledge="docs",
    document="document",
    max_tokens=100,
    piece_tokens=120,
    parallel=3,
)
PAGES = tuple(
    f"Page {number} tells of the town of Nr{number}ville. " + "Its harbour is old and grey. " * 10
    for number in range(1, 10)
)


def a_reader(url: str, stage: MapStage = STAGE, *, more: Sequence[Model] = (), **changes: object) -> Release:
    """Return a release that reads documents in pieces with the model at `url`, or with one of `more`."""
    return a_release(
        a_model(url),
        *more,
        stages=(stage,),
        input_schema={"type": "object", "properties": {"question": {}, "document": {}, "text": {}}},
        fallback=FallbackText(NO_ANSWER),
        prompts={"piece.md": PIECE, "merge.md": MERGE},
        **changes,
    )


def reading(world: World, release: Release, shelf: Shelf) -> Ports:
    """Return the ports of a world whose only feature is `release`, and whose documents are on `shelf`."""
    return msgspec.structs.replace(with_release(world, release), library=shelf)


def asked(document: object = "report.pdf", **who: object) -> Asked:
    """Return the request for what a document says."""
    question = {"question": "Which towns are there?", "document": document}
    return msgspec.structs.replace(Asked(feature="support", input=question), **who)


def is_piece(received: Received) -> bool:
    """Say whether one piece was asked about, and not a merge."""
    return "<piece>" in received.question


def pages_of(received: Received) -> list[int]:
    """Return the pages that a request shows."""
    return [number for number in range(1, 10) if f"Nr{number}ville" in received.question]


def told(received: Received) -> Reply:
    """Answer a piece with the towns in it; a merge with a sentence that is cited, and one that is not."""
    if is_piece(received):
        towns = [f"Page {one} tells of the town of Nr{one}ville." for one in pages_of(received)]
        return Reply(chunks=(" ".join(towns),))
    return Reply(chunks=("Page 1 tells of the town of Nr1ville [1]. ", "There are many. "))
