"""What is tried: recipes of a search, few enough that luck alone makes none of them the best. Pure."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from buttress.knowledge.types import DENSE_SHARES, Fusion, Rerank, SearchSettings

DEPTHS = (50, 100, 200)
"""Tried with each fusion's own share only. With every share, on four collections, what was chosen out of fold
gained 1.4 points over the default instead of 1.7: more recipes are more chances of luck."""

SHARES: Mapping[Fusion, Sequence[float]] = {
    "blend": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "dbsf": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "rrf": (0.4, 0.5, 0.6),
}
RRF_KS = (2, 10, 60)
RERANK_SHARES = (0.25, 0.5, 0.75)

TUNED = ("depth", "fusion", "dense_share", "rrf_k", "rerank", "rerank_share", "calibration")
"""The settings that a tuning chooses; all others stay as they are."""


def recipes(rerank: Rerank, rerank_depth: int) -> Sequence[SearchSettings]:
    """Return all recipes; those with a re-ranker only where there is one, as `rerank` names it.

    It looks at the first `rerank_depth`: as many as it will in searches, since that is not tuned.
    """
    fused = [
        SearchSettings(fusion=fusion, dense_share=share, rrf_k=k, depth=depth)
        for fusion, shares in SHARES.items()
        for share in map(partial(_unusual, fusion), shares)
        for k in (RRF_KS if fusion == "rrf" else (SearchSettings().rrf_k,))
        for depth in (DEPTHS if share is None else (SearchSettings().depth,))
    ]
    if rerank == "none":
        return fused
    return fused + [
        msgspec.structs.replace(one, rerank=rerank, rerank_depth=rerank_depth, rerank_share=share)
        for one in fused
        for share in RERANK_SHARES
    ]


def _unusual(fusion: Fusion, share: float) -> float | None:
    """Return `share`, but None where the fusion has it anyway."""
    return None if share == DENSE_SHARES[fusion] else share


def tuned(search: SearchSettings, chosen: SearchSettings) -> SearchSettings:
    """Return `search` with what a tuning chooses as `chosen` has it.

    Its calibration stays only where nothing else changes: it is of one recipe.
    """
    found = msgspec.structs.replace(search, **{name: getattr(chosen, name) for name in TUNED})
    same = msgspec.structs.replace(found, calibration=search.calibration)
    return same if same == search else found


def described(recipe: SearchSettings) -> str:
    """Return a recipe in a few words: `blend 0.7, 100 of each, late 0.5`."""
    k = f" k={recipe.rrf_k}" if recipe.fusion == "rrf" else ""
    rerank = "" if recipe.rerank == "none" else f", {recipe.rerank} {recipe.rerank_share:g}"
    return f"{recipe.fusion} {recipe.dense_weight:g}{k}, {recipe.depth} of each{rerank}"
