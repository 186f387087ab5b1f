"""Settings of models."""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]


class QuoteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the extractive provider chooses what to quote."""

    max_sentences: Annotated[int, Meta(ge=1, le=20, description="Sentences quoted at most.")] = 3
    max_list_items: Annotated[
        int, Meta(ge=0, le=50, description="Items that follow when the line above their list is quoted.")
    ] = 10
    max_candidates: Annotated[
        int, Meta(ge=1, le=2_000, description="Sentences ranked at most, of the best passages first.")
    ] = 120
    coverage_weight: Annotated[
        Share, Meta(description="Weight of the question's words in a sentence; the ranker has the rest.")
    ] = 0.25
    passage_decay: Annotated[
        Share,
        Meta(description="What a sentence of the next passage counts, beside one of the passage before."),
    ] = 0.97
    keep_share: Annotated[
        Share, Meta(description="A further sentence is quoted when it scores this share of the best one.")
    ] = 0.85
    min_score: Annotated[
        Share,
        Meta(description="A ranker's score from which a sentence without words of the question counts."),
    ] = 0.35
    max_unknown_share: Annotated[
        Share,
        Meta(
            description="Share of what a question tells that words of no document may have; above it nothing "
            "is quoted. 1 quotes nevertheless."
        ),
    ] = 0.35
    same_word: Annotated[
        Share, Meta(description="Cosine from which a quoted word stands for one of the question's.")
    ] = 0.70
    other_word: Annotated[
        Share, Meta(description="Cosine up to which a quoted word has nothing to do with the question's.")
    ] = 0.35
    rank_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Seconds the ranker has; then sentences are ranked by words.")
    ] = 1.0


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the local model runs. How long its window is says `window_tokens:` of the model in models.yaml."""

    threads: Annotated[
        int,
        Meta(ge=0, le=1_024, description="Threads the local model computes with; 0 is all cores but one."),
    ] = 0
    parallel: Annotated[
        int,
        Meta(
            ge=1, le=64, description="Answers the local model writes at the same time; each has its window."
        ),
    ] = 2
    queue_length: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Requests of one process that may wait for it. More go down the ladder; so do those "
            "that would wait longer than `first_token_timeout_s`, going by the last answer.",
        ),
    ] = 8
    load_timeout_s: Annotated[
        float,
        Meta(gt=0, le=3_600, description="Seconds the local model has to load before it is started again."),
    ] = 120.0


class BreakerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a model that fails is left alone, and for how long."""

    failures: Annotated[
        int, Meta(ge=1, le=1_000, description="Failures in a row after which a model is left alone.")
    ] = 5
    open_s: Annotated[
        float,
        Meta(
            gt=0, le=3_600, description="Seconds it is left alone; then one call tries it. Doubles each time."
        ),
    ] = 2.0
    open_cap_s: Annotated[
        float, Meta(gt=0, le=3_600, description="Longest time that a model is left alone, in seconds.")
    ] = 60.0


class ConcurrencySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many calls one worker has under way to one model."""

    start: Annotated[int, Meta(ge=1, le=10_000, description="Calls at once to a model, to begin with.")] = 64
    most: Annotated[
        int, Meta(ge=1, le=10_000, description="Calls at once to a model, when it copes with all of them.")
    ] = 256
    lower_to: Annotated[
        Share, Meta(description="What is left of the limit when the model says that it is overloaded.")
    ] = 0.7
    lower_every_s: Annotated[
        float, Meta(ge=0, le=600, description="Seconds within which the limit is lowered once at most.")
    ] = 1.0
    queue_length: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Calls that may wait for a model; more go down the ladder."),
    ] = 256
    queue_wait_s: Annotated[
        float,
        Meta(ge=0, le=600, description="Longest wait for a turn at a model; then the next one is asked."),
    ] = 5.0


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `models` section of buttress.yaml."""

    connect_timeout_s: Annotated[
        float, Meta(gt=0, le=60, description="Seconds to connect to an upstream.")
    ] = 5.0
    first_token_timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Seconds from sending to the first token of an attempt.")
    ] = 20.0
    idle_timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Seconds between two tokens of an attempt.")
    ] = 15.0
    total_timeout_s: Annotated[
        float, Meta(gt=0, le=3_600, description="Seconds for all attempts of one answer together.")
    ] = 120.0
    attempts_per_rung: Annotated[
        int, Meta(ge=1, le=10, description="Attempts at one model before the next one is asked.")
    ] = 2
    backoff_base_s: Annotated[
        float,
        Meta(ge=0, le=60, description="Longest wait before the second attempt; doubles with each more."),
    ] = 0.25
    backoff_cap_s: Annotated[float, Meta(ge=0, le=600, description="Longest wait between two attempts.")] = (
        4.0
    )
    retry_after_cap_s: Annotated[
        float, Meta(ge=0, le=600, description="Longest Retry-After that is waited for; else the next model.")
    ] = 3.0
    rest_wait_cap_s: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            description="Longest wait for a model that is left alone, when no other of the ladder answers.",
        ),
    ] = 3.0
    max_answer_bytes: Annotated[
        int,
        Meta(ge=1_024, le=1_073_741_824, description="Longest answer of an upstream, whole or streamed."),
    ] = 67_108_864
    max_event_bytes: Annotated[
        int, Meta(ge=1_024, le=67_108_864, description="Longest event of an upstream's stream.")
    ] = 1_048_576
    breaker: BreakerSettings = BreakerSettings()
    concurrency: ConcurrencySettings = ConcurrencySettings()
    quotes: QuoteSettings = QuoteSettings()
    local: LocalSettings = LocalSettings()
