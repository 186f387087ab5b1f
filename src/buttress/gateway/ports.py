"""What a call needs from the world, handed in by the composition root."""

from collections.abc import Callable, Mapping

import msgspec

from buttress.guardrails.settings import GuardrailSettings
from buttress.kernel.catalogue import Model
from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.knowledge.ports import Engine
from buttress.models.ports import Egress, Meter, Provider
from buttress.models.settings import ModelSettings
from buttress.releases.rulebook import Rulebook
from buttress.releases.types import Release
from buttress.tracing.types import Trace


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside a call that it may touch. `rulebook` has a release's rules."""

    releases: Mapping[str, Release]
    rulebook: Callable[[Release], Rulebook]
    engine: Engine
    provider: Callable[[Model], Provider]
    egress: Egress
    meter: Meter
    record: Callable[[Trace], None]
    clock: Clock
    chance: Chance
    models: ModelSettings
    guardrails: GuardrailSettings
