"""Settings of spend."""

from typing import Annotated

import msgspec
from msgspec import Meta


class SpendSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `spend` section of buttress.yaml."""

    ask_timeout_s: Annotated[
        float,
        Meta(gt=0, le=10, description="Seconds that a call waits for more money from the ledger, at most."),
    ] = 0.05
    keep_days: Annotated[
        float,
        Meta(
            ge=0,
            description="Days that settlements are kept beside the database after it has them: a database "
            "restored from a backup that old learns them again.",
        ),
    ] = 7.0
