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
    keep_content: Annotated[
        bool, Meta(description="Keep questions, answers and passages in traces; off: figures and ids only.")
    ] = True
