"""Settings of watch."""

from typing import Annotated

import msgspec
from msgspec import Meta


class WatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `watch` section of buttress.yaml."""

    look_every_s: Annotated[
        float, Meta(gt=0, le=3_600, description="Seconds between two looks at budgets, for alerts.")
    ] = 5.0
    figures_every_s: Annotated[
        float, Meta(gt=0, le=3_600, description="Seconds between two looks at what calls cost and took.")
    ] = 60.0
    figures_over_s: Annotated[
        int,
        Meta(ge=60, le=86_400, description="Seconds back to which calls count for cost and latency alerts."),
    ] = 3_600
    min_calls: Annotated[
        int, Meta(ge=1, description="Fewer calls than this say nothing about a feature's cost or latency.")
    ] = 20
    missed_percent: Annotated[
        float,
        Meta(
            gt=0, le=100, description="A latency alert is raised when more calls than this missed the budget."
        ),
    ] = 5.0
    webhook_timeout_s: Annotated[
        float, Meta(gt=0, le=30, description="Seconds that a webhook has to answer.")
    ] = 10.0
    keep_days: Annotated[
        int, Meta(ge=31, description="Days that alerts are kept, once their window is over.")
    ] = 400
    retry_for_s: Annotated[
        float, Meta(gt=0, le=604_800, description="Seconds that a webhook is tried again for; then given up.")
    ] = 86_400.0
