"""Send: the request to the first model of the ladder that answers."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from buttress.gateway.call import Call
from buttress.gateway.pacing import pace_of, told
from buttress.gateway.types import Composed, Sent
from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, TextDelta
from buttress.kernel.spans import Span
from buttress.models.ladder import AS_THE_SETTINGS_SAY, stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Pace


def send(composed: Composed, call: Call) -> Sent:
    """Return the answer as it streams in; nothing is sent before its first piece is asked for."""
    release = composed.retrieved.release
    ladder = release.ladders[composed.stage.ladder]
    models = call.ports.deployments.in_order(ladder, release.models, call.ports.chance)
    pace = pace_of(release.latency, call.recorder.elapsed_ms(), ladder.hedge_after_ms)
    return Sent(composed, spoken(composed, models, call, pace))


async def spoken(
    composed: Composed, models: Sequence[Model], call: Call, pace: Pace = AS_THE_SETTINGS_SAY
) -> AsyncGenerator[str, None]:
    """Return what the first of `models` that answers says, piece by piece; raises as `stream_ladder`."""
    rungs = [Rung(model, call.ports.provider(model)) for model in models]
    with (
        call.recorder.span("send", ladder=[model.name for model in models]) as span,
        _timed(composed, call, span) as heard,
    ):
        stream = stream_ladder(
            Order(composed.request), rungs, call.ports.of_ladder(call.payer, call.attempts.append), pace
        )
        async with aclosing(stream) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    heard()
                    yield event.text
                elif isinstance(event, Finished):
                    call.finish = event.reason
        answered = [one.model for one in call.attempts if one.outcome == "answered"]
        span.data["model"] = answered[-1]  # who loses a hedge may be recorded after it


@contextmanager
def _timed(composed: Composed, call: Call, span: Span) -> Iterator[Callable[[], None]]:
    """Note on `span` whether the feature's latency budget was kept; what is given is called at each piece."""
    budget, first_token_ms = composed.retrieved.release.latency, None

    def heard() -> None:
        nonlocal first_token_ms
        if first_token_ms is None:
            first_token_ms = call.recorder.elapsed_ms()

    try:
        yield heard
    finally:
        if budget:
            span.data["latency"] = told(budget, first_token_ms, call.recorder.elapsed_ms())
