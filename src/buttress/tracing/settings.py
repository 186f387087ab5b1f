"""Settings of tracing."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class TracingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `tracing` section of buttress.yaml."""

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least severe log line to write.")
    ] = "info"
    log_format: Annotated[
        Literal["json", "text"], Meta(description="json: one object a line; text: for people at a terminal.")
    ] = "json"
    ship_every_s: Annotated[
        float, Meta(gt=0, le=60, description="Seconds between two shipments of the spool to PostgreSQL.")
    ] = 1.0
    segment_bytes: Annotated[
        int, Meta(ge=4_096, description="A spool file is sealed when it has grown beyond this many bytes.")
    ] = 1_048_576
    keep_shipped_days: Annotated[
        float,
        Meta(
            ge=0,
            le=366,
            description="Days that traces are kept beside the database after it has them: one that is "
            "restored from a backup learns them again. 0 keeps none.",
        ),
    ] = 2.0
    keep_shipped_bytes: Annotated[
        int, Meta(ge=1_048_576, description="So much of them at most; the oldest go first.")
    ] = 1_073_741_824
    keep_content: Annotated[
        bool, Meta(description="Keep questions, answers and passages in traces; off: figures and ids only.")
    ] = True
