"""What a call needs from the world, handed in by the composition root."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from buttress.guardrails.settings import GuardrailSettings
from buttress.kernel.catalogue import Catalogue, Model
from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.principal import Payer
from buttress.kernel.tokens import TokenCounter
from buttress.knowledge.ports import Engine
from buttress.models.attempts import LadderPorts, estimated
from buttress.models.deployments import Deployments
from buttress.models.ports import Egress, Meter, Provider
from buttress.models.settings import ModelSettings
from buttress.models.types import Attempt
from buttress.prompts.types import Exchange, Turns, Whose
from buttress.releases.rulebook import Rulebook
from buttress.releases.types import Release
from buttress.tracing.types import Trace


class Memory(Protocol):
    """What was said in conversations before."""

    async def turns(self, whose: Whose) -> Turns:
        """Return the newest turns of a conversation, within a bounded time.

        Raises:
            ButtressError: they are not to be had now; the call goes on without.
        """
        ...

    def append(self, whose: Whose, exchange: Exchange) -> None:
        """Have `exchange` kept for the conversation's next call. Never waits, never fails."""
        ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything outside a call that it may touch.

    `catalogue` has the models that may be asked by their names, `rulebook` a release's rules. `counter`
    counts as the model that finds the most tokens; `counter_at_hand` gives one without waiting. `begin` takes
    the trace that a call is to have if its process dies, before any work; `record` the one of its end.
    `meter` gives the one by which somebody pays.
    """

    releases: Mapping[str, Release]
    catalogue: Catalogue
    rulebook: Callable[[Release], Rulebook]
    engine: Engine
    provider: Callable[[Model], Provider]
    counter: Callable[[Sequence[Model]], Awaitable[TokenCounter]]
    egress: Egress
    meter: Callable[[Payer], Meter]
    deployments: Deployments
    memory: Memory
    begin: Callable[[Trace], None]
    record: Callable[[Trace], None]
    clock: Clock
    chance: Chance
    counter_at_hand: Callable[[Model], TokenCounter] = estimated
    models: ModelSettings
    guardrails: GuardrailSettings

    def of_ladder(self, payer: Payer, record: Callable[[Attempt], None]) -> LadderPorts:
        """Return what a ladder of models needs of these: `payer` pays, `record` takes each attempt."""
        return LadderPorts(
            egress=self.egress,
            meter=self.meter(payer),
            clock=self.clock,
            chance=self.chance,
            deployments=self.deployments,
            record=record,
            settings=self.models,
            counter=self.counter_at_hand,
        )
