"""What a stage stands in, and what comes of it."""

from collections.abc import Collection

import msgspec

from buttress.gateway.compiling.prompts import Written
from buttress.gateway.compiling.schemas import Files
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located
from buttress.releases.types import Stage

STAGES = "stages"


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage stands in.

    `variables` are the properties of the input, `catalogue` the models; None when they have mistakes of their
    own, so that what depends on them is not looked at.
    """

    located: Located
    files: Files
    knowledge: Collection[str]
    catalogue: Catalogue | None
    variables: tuple[str, ...] | None


class Compiled(msgspec.Struct, frozen=True):
    """A stage, and its prompts if it has any."""

    stage: Stage
    written: tuple[Written, ...] = ()


Result = Compiled | list[Mistake]
