"""From the events of a stream to one whole answer, and back. Pure."""

from collections.abc import Iterable

from buttress.kernel.messages import (
    Finished,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.models.dialects.types import Said


def fold(events: Iterable[ModelEvent]) -> Said:
    """Return the whole answer that `events` tell; `Finished` must be the last of them."""
    texts: list[str] = []
    thoughts: list[ThinkingDelta] = []
    calls: dict[int, list[ToolCallDelta]] = {}
    for event in events:
        match event:
            case TextDelta(text):
                texts.append(text)
            case ThinkingDelta():
                thoughts.append(event)
            case ToolCallDelta():
                calls.setdefault(event.index, []).append(event)
            case Finished():
                return Said(
                    text="".join(texts),
                    thinking="".join(one.text for one in thoughts),
                    signature="".join(one.signature for one in thoughts),
                    tool_calls=tuple(_joined(calls[index]) for index in sorted(calls)),
                    reason=event.reason,
                    usage=event.usage,
                    model=event.model,
                )
    raise ValueError("the events of an answer that has not ended")


def _joined(pieces: list[ToolCallDelta]) -> ToolCall:
    first = pieces[0]
    return ToolCall(first.id, first.name, "".join(one.arguments for one in pieces))


def unfold(said: Said) -> list[ModelEvent]:
    """Return `said` as the events of a stream that says each thing in one piece."""
    events: list[ModelEvent] = []
    if said.thinking or said.signature:
        events.append(ThinkingDelta(said.thinking, said.signature))
    if said.text:
        events.append(TextDelta(said.text))
    events += [
        ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
        for index, call in enumerate(said.tool_calls)
    ]
    return [*events, Finished(reason=said.reason, usage=said.usage, model=said.model)]
