"""The first lists and the re-ranker's scores of each query, found once: what every recipe is tried on."""

from collections.abc import Callable

import msgspec

from buttress.kernel.scope import Scope
from buttress.knowledge.measuring.matching import answered_by, gains_of
from buttress.knowledge.measuring.recipes import DEPTHS
from buttress.knowledge.measuring.types import LabelledQuery, Labels, Lists
from buttress.knowledge.search import Searcher
from buttress.knowledge.search_types import Query
from buttress.knowledge.types import KnowledgeBase, Rerank


class Place(msgspec.Struct, frozen=True):
    """Where is looked: `base`, as `scope` sees it, by `searcher`; `rerank` scores what is found."""

    searcher: Searcher
    base: KnowledgeBase
    scope: Scope
    rerank: Rerank = "none"


async def find_lists(
    place: Place, labels: Labels, told: Callable[[int, int], None] = lambda _, __: None
) -> list[Lists]:
    """Return what was found for each of `labels`, as deep as any recipe looks.

    Raises:
        SearchFailed: a stage was left out; a measurement without it would be none.
        NotIngested, EmbedderChanged: there is nothing to search in.
    """
    found: list[Lists] = []
    for number, labelled in enumerate(labels.queries, start=1):
        found.append(await _found(place, labelled))
        told(number, len(labels.queries))
    return found


async def _found(place: Place, labelled: LabelledQuery) -> Lists:
    search = msgspec.structs.replace(place.base.search, depth=max(DEPTHS), rerank=place.rerank)
    base = msgspec.structs.replace(place.base, search=search)
    query = Query(knowledge=base.name, text=labelled.query, scope=place.scope)
    evidence = await place.searcher.evidence(base, query)
    answered = {one: answered_by(passage, labelled.relevant) for one, passage in evidence.passages.items()}
    return Lists(labelled.query, evidence.first, evidence.reranked, answered, gains_of(labelled))
