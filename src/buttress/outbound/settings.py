"""Settings of outbound."""

from typing import Annotated

import msgspec
from msgspec import Meta


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `outbound` section of buttress.yaml."""

    connections_per_origin: Annotated[
        int, Meta(ge=1, le=10_000, description="Connections to one upstream at a time; more requests wait.")
    ] = 256
    keep_alive_s: Annotated[
        float, Meta(ge=0, le=600, description="Seconds an idle connection is kept for the next request.")
    ] = 30.0
