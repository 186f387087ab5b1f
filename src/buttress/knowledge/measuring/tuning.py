"""Which recipe is chosen, and what it is worth on queries that the choice has not seen. Pure.

The choice is cautious: a recipe is worth its mean gain over the default less `CAUTION` standard errors of
that gain, so what differs little from the default needs little, and what differs much needs many queries.
That keeps a knowledge base with fifty labels from being led astray by a hundred recipes.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean

import msgspec

from buttress.kernel.chance import Chance
from buttress.kernel.scores import ndcg
from buttress.kernel.statistics import bootstrap, paired, standard_error
from buttress.knowledge.measuring.calibrating import Sample, fit
from buttress.knowledge.measuring.matching import in_order
from buttress.knowledge.measuring.recipes import described, tuned
from buttress.knowledge.measuring.types import Choice, Lists
from buttress.knowledge.ranking.fusion import Ranking
from buttress.knowledge.ranking.order import fused_scores, scored, with_reranker
from buttress.knowledge.types import SearchSettings

FOLDS = 10
CAUTION = 1.0
"""Standard errors by which a recipe's gain is held to be smaller than it looks."""

_RANKED = 60  # passages that ten documents are found among
_ANY_SHARE = 1.0
_CALIBRATED = 10  # passages of a query whose scores are calibrated: what a call is shown

Scores = Sequence[Sequence[float]]
"""nDCG@10 by recipe and query."""


def choose_recipe(
    lists: Sequence[Lists],
    recipes: Sequence[SearchSettings],
    search: SearchSettings,
    chance: Chance,
    told: Callable[[int, int], None] = lambda _, __: None,
) -> Choice:
    """Return which of `recipes` is to be used where `search` is now, and what that is worth.

    The default is tried with them. `told` is told how many queries of how many are done. It takes about
    0.2 ms for each query and recipe.
    """
    tried = [SearchSettings(), *(one for one in recipes if one != SearchSettings())]
    by_query: list[list[float]] = []
    for number, one in enumerate(lists, start=1):
        by_query.append(scores_of(one, tried))
        told(number, len(lists))
    scores = [[of_query[at] for of_query in by_query] for at in range(len(tried))]
    folds = folds_of(len(lists), chance)
    chosen = [_best(scores, [at for at, of in enumerate(folds) if of != fold]) for fold in range(FOLDS)]
    out_of_fold = [scores[chosen[fold]][at] for at, fold in enumerate(folds)]
    gain = paired(out_of_fold, scores[0], chance)
    final = _best(scores, range(len(lists))) if gain.mean > 0 else 0
    return Choice(
        count=len(lists),
        recipes=len(tried),
        default=bootstrap(scores[0], chance),
        tuned=bootstrap(out_of_fold, chance),
        gain=gain,
        search=tuned(search, tried[final]),
        is_kept=final == 0,
        folds=dict(Counter(described(tried[chosen[fold]]) for fold in sorted({*folds})).most_common()),
    )


def with_calibration(choice: Choice, lists: Sequence[Lists]) -> Choice:
    """Return `choice` with the calibration that fits what it ranks first for these queries, if one does."""
    samples = [sample for one in lists for sample in _samples(one, choice.search)]
    search = msgspec.structs.replace(choice.search, calibration=fit(samples))
    return msgspec.structs.replace(choice, search=search)


def scores_of(lists: Lists, recipes: Sequence[SearchSettings]) -> list[float]:
    """Return the nDCG@10 of one query by each of `recipes`.

    The same lists are fused once, however many of them re-rank what comes out; a re-ranker moves nothing up
    that is not among the first.
    """
    fused: dict[SearchSettings, Ranking] = {}
    scores: list[float] = []
    for recipe in recipes:
        plain = msgspec.structs.replace(recipe, rerank="none", rerank_share=_ANY_SHARE)
        if plain not in fused:
            fused[plain] = fused_scores(lists.first, plain)[: max(_RANKED, plain.rerank_depth)]
        ranking = fused[plain]
        if recipe.rerank != "none" and lists.reranked is not None:
            ranking = with_reranker(ranking, lists.reranked, recipe)
        scores.append(ndcg(in_order([one for one, _ in ranking], lists.answered), lists.gains))
    return scores


def folds_of(count: int, chance: Chance) -> list[int]:
    """Return the fold of each query: as many in each as can be, drawn by `chance`."""
    order = sorted(range(count), key=lambda _: chance.fraction())
    folds = [0] * count
    for place, query in enumerate(order):
        folds[query] = place % FOLDS
    return folds


def _best(scores: Scores, queries: Sequence[int]) -> int:
    """Return the recipe whose gain over the first is surest, by these queries; 0 where none has one."""
    worth = [_surely(scores, recipe, queries) for recipe in range(len(scores))]
    return max(range(len(scores)), key=lambda recipe: (worth[recipe], -recipe))


def _surely(scores: Scores, recipe: int, queries: Sequence[int]) -> float:
    """Return the mean gain of `recipe` over the first one, less `CAUTION` standard errors."""
    if recipe == 0 or not queries:
        return 0.0
    gains = [scores[recipe][at] - scores[0][at] for at in queries]
    return fmean(gains) - CAUTION * standard_error(gains)


def _samples(lists: Lists, search: SearchSettings) -> Sequence[Sample]:
    ranking = scored(lists.first, lists.reranked, search)[:_CALIBRATED]
    return [Sample(score, any(key in lists.gains for key in lists.answered[one])) for one, score in ranking]
