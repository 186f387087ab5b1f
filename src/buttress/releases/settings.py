"""Settings of releases."""

from typing import Annotated

import msgspec
from msgspec import Meta


class ReleaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `releases` section of buttress.yaml."""

    function_deadline_s: Annotated[
        float, Meta(gt=0, le=60, description="How long a Python function may take for its answer.")
    ] = 1.0
    load_deadline_s: Annotated[
        float,
        Meta(
            gt=0,
            le=300,
            description="How long the file of a Python function may take to load, with its process.",
        ),
    ] = 10.0
    function_processes: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Processes that Python functions run in, in each call worker; started when needed.",
        ),
    ] = 4
