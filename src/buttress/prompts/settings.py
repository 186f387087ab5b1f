"""Settings of prompts."""

from typing import Annotated

import msgspec
from msgspec import Meta


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How conversations are kept that a client names by an id."""

    timeout_s: Annotated[
        float,
        Meta(gt=0, le=10, description="Seconds a call waits for earlier turns; then it goes on without."),
    ] = 0.05
    open_timeout_s: Annotated[
        float,
        Meta(gt=0, le=300, description="The same while a process opens the database for its first one."),
    ] = 5.0
    newest_messages: Annotated[
        int, Meta(ge=2, le=10_000, description="Messages read of a conversation at most, the newest ones.")
    ] = 200
    newest_characters: Annotated[
        int, Meta(ge=1_000, le=10_000_000, description="Characters read of a conversation at most.")
    ] = 200_000
    summarise_messages: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000,
            description="Older messages that are summarised at a time; 0: none.",
        ),
    ] = 20
    summary_model: Annotated[
        str,
        Meta(
            max_length=200,
            description="A model or ladder of models.yaml that writes summaries. Empty: the ladder of the "
            "feature that is asked.",
        ),
    ] = ""
    verbatim_messages: Annotated[
        int, Meta(ge=2, le=1_000, description="Newest messages that no summary tells of yet.")
    ] = 20
    summary_tokens: Annotated[
        int, Meta(ge=50, le=4_000, description="Tokens of a conversation's summary at most.")
    ] = 400
    summary_retry_s: Annotated[
        float,
        Meta(gt=0, le=86_400, description="Seconds until a summary is tried again that failed, or was left."),
    ] = 300.0
    recollect: Annotated[
        int,
        Meta(
            ge=0, le=50, description="Older questions, with answers, that are put before a new one; 0: none."
        ),
    ] = 4
    queue_length: Annotated[
        int,
        Meta(ge=1, le=100_000, description="Turns that may wait in a process until they are stored."),
    ] = 1_000
    flush_s: Annotated[
        float, Meta(ge=0, le=60, description="Seconds to store what waits when a process ends.")
    ] = 2.0
    keep_days: Annotated[
        int,
        Meta(
            ge=0, le=36_500, description="Days after its last turn that a conversation is deleted; 0: never."
        ),
    ] = 90


class MapSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long texts are read in pieces, by `map` stages."""

    keep_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3_650,
            description="Days that the answer to a piece is kept, so that what was stopped goes on.",
        ),
    ] = 30
    store_timeout_s: Annotated[
        float,
        Meta(
            gt=0, le=60, description="Seconds to look an answer up, or to keep it; then it goes on without."
        ),
    ] = 5.0


class PromptSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `prompts` section of buttress.yaml."""

    memory: MemorySettings = MemorySettings()
    map: MapSettings = MapSettings()
