"""Send: the request to the first model of the ladder that answers."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from buttress.gateway.call import Call
from buttress.gateway.types import Composed, Sent
from buttress.kernel.catalogue import Model
from buttress.kernel.messages import TextDelta
from buttress.models.attempts import LadderPorts
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung


def send(composed: Composed, call: Call) -> Sent:
    """Return the answer as it streams in; nothing is sent before its first piece is asked for."""
    release = composed.retrieved.release
    ladder = release.ladders[composed.stage.ladder]
    chosen = call.ports.deployments.in_order(ladder, release.models, call.ports.chance)
    return Sent(composed, spoken(composed, chosen, call, hedge_after_ms=ladder.hedge_after_ms))


async def spoken(composed: Composed, models: Sequence[Model], call: Call) -> AsyncGenerator[str, None]:
    """Return what the first of `models` that answers says, piece by piece; raises as `stream_ladder`."""
    rungs = [Rung(model, call.ports.provider(model)) for model in models]
    with call.recorder.span("send", ladder=[model.name for model in models]) as span:
        async with aclosing(stream_ladder(Order(composed.request), rungs, _ladder_ports(call))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    yield event.text
        span.data["model"] = call.attempts[-1].model


def _ladder_ports(call: Call) -> LadderPorts:
    ports = call.ports
    return LadderPorts(
        egress=ports.egress,
        meter=ports.meter,
        clock=ports.clock,
        chance=ports.chance,
        deployments=ports.deployments,
        record=call.attempts.append,
        settings=ports.models,
    )
