"""Settings of the cache."""

from typing import Annotated

import msgspec
from msgspec import Meta


class CachingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is kept of answers, and how long a call looks for one. The files say what is kept."""

    max_entries: Annotated[
        int, Meta(ge=0, le=10_000_000, description="Answers kept in the memory of each process; 0: none.")
    ] = 10_000
    max_bytes: Annotated[
        int, Meta(ge=0, description="Bytes of answers kept in the memory of each process.")
    ] = 67_108_864
    max_entry_bytes: Annotated[int, Meta(ge=1, description="A longer answer is not kept.")] = 1_048_576
    shared_max_bytes: Annotated[
        int, Meta(ge=0, description="Bytes of answers kept in PostgreSQL; beyond, the oldest ones go.")
    ] = 1_073_741_824
    read_timeout_s: Annotated[
        float,
        Meta(gt=0, le=1, description="Seconds a call looks for its answer in PostgreSQL; then it has none."),
    ] = 0.005
    semantic_timeout_s: Annotated[
        float,
        Meta(gt=0, le=5, description="Seconds a call looks for answers to questions that mean the same."),
    ] = 0.1
    queue_length: Annotated[
        int,
        Meta(ge=1, le=100_000, description="Answers that may wait in a process until they are stored."),
    ] = 256
    flush_s: Annotated[
        float, Meta(ge=0, le=60, description="Seconds to store what waits when a process ends.")
    ] = 1.0
    max_flights: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Answers under way that equal calls may share; 0: none."),
    ] = 1_024
    follow_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            le=600,
            description="Seconds without a word of the answer that a call shares; then it asks by itself.",
        ),
    ] = 10.0
