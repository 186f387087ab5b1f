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


class PromptSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `prompts` section of buttress.yaml."""

    memory: MemorySettings = MemorySettings()
