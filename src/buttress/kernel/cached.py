"""What is said about giving an earlier answer again: in feature.yaml, in models.yaml; heeded by the cache."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Level = Literal["process", "shared"]
"""Where answers are kept: in the memory of each worker alone, or in PostgreSQL for all of them, too."""

Caching = Literal["use", "refresh", "skip"]
"""What who asks wants of the cache: an earlier answer will do; a new one, which is kept; nothing of it."""


class SemanticPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the answer to a question that means the same is given.

    From the cosine `threshold` on two questions are compared word by word; `shadow` only tells in the trace
    what would have been given.
    """

    threshold: Annotated[float, Meta(ge=0.5, le=1)] = 0.95
    mode: Literal["shadow", "on"] = "shadow"


class KeepPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an answer is good, where it is kept, and how it is given: the `cache` of a model or a ladder.

    `sampled` allows answers of a temperature above 0: everybody then gets the same draw. `replay` says
    whether a kept answer is given `at_once`, or with the pauses it was written with (`paced`).
    """

    ttl_s: Annotated[int, Meta(ge=1, le=31_536_000)] = 3_600
    level: Level = "shared"
    sampled: bool = False
    replay: Literal["at_once", "paced"] = "at_once"


class CachePolicy(KeepPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `cache` of a feature, which says beside that what ends an answer before its time.

    `invalidate` is `version`: any change of the knowledge base ends it; `cited`: only one of a document that
    it cites, or tells a passage of.
    """

    invalidate: Literal["version", "cited"] = "version"
    semantic: SemanticPolicy | None = None
