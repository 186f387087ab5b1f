"""The nouns of measuring."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from buttress.kernel.ids import ChunkId
from buttress.kernel.statistics import Interval
from buttress.knowledge.search_types import FirstStages
from buttress.knowledge.types import SearchSettings

Origin = Literal["labels", "headings", "model"]
"""Who says what answers a query: people, the documents' own headings, or a model that wrote the query."""


MOST_GRADE = 1_000


class Relevant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What answers a query: a document, by its path in its source, or a place in it.

    The place is where `quote` stands, or the section under the headings `section`, outermost first. `grade`
    says how well it answers, against other grades of the same query.
    """

    document: Annotated[str, Meta(min_length=1)]
    grade: Annotated[float, Meta(gt=0, le=MOST_GRADE)] = 1.0
    quote: str = ""
    section: tuple[str, ...] = ()


class LabelledQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question, and all that answers it."""

    query: Annotated[str, Meta(min_length=1, max_length=20_000)]
    relevant: Annotated[tuple[Relevant, ...], Meta(min_length=1)]


class Labels(msgspec.Struct, frozen=True):
    """Labelled queries, and where they come from; `notes` are lines for people about them."""

    queries: tuple[LabelledQuery, ...]
    origin: Origin
    notes: tuple[str, ...] = ()


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long a stage took over all queries, in milliseconds, and in how many it was left out."""

    name: str
    p50_ms: float
    p95_ms: float
    skipped: int


class Scored(msgspec.Struct, frozen=True):
    """A query, and its metrics by name, each 0 to 1."""

    query: str
    metrics: dict[str, float]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """How well a knowledge base answers labelled queries, as it is searched now.

    `whole_ms` are p50 and p95 of a search from the outside. `queries` come worst first.
    """

    knowledge: str
    origin: Origin
    count: int
    metrics: dict[str, Interval]
    stages: tuple[StageTimes, ...]
    whole_ms: tuple[float, float]
    notes: tuple[str, ...]
    queries: tuple[Scored, ...]


class Lists(msgspec.Struct, frozen=True):
    """What was found once for a query: both first lists, and the re-ranker's scores where there is one.

    `answered` are the labels that each hit answers, or else the document it is of (see `matching`), in the
    words of `gains`, the grades of the labels.
    """

    query: str
    first: FirstStages
    reranked: Mapping[ChunkId, float] | None
    answered: Mapping[ChunkId, tuple[str, ...]]
    gains: Mapping[str, float]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a tuning came to, over `count` queries.

    `default` and `tuned` are mean nDCG@10, the latter out of fold: each query scored by the recipe that the
    other folds chose. `gain` is the one minus the other, paired. `search` is what to use; the default's own
    where `is_kept`. `folds` tells how many folds chose which recipe.
    """

    count: int
    recipes: int
    default: Interval
    tuned: Interval
    gain: Interval
    search: SearchSettings
    is_kept: bool
    folds: dict[str, int]
