"""From the events of a stream to one whole answer, and back. Pure."""

from collections.abc import Iterable

from buttress.kernel.messages import (
    Finished,
    ModelEvent,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.models.dialects.types import Said


def fold(events: Iterable[ModelEvent]) -> Said:
    """Return the whole answer that `events` tell; `Finished` must be the last of them."""
    texts: list[str] = []
    thoughts: list[list[ThinkingDelta]] = []
    calls: dict[int, list[ToolCallDelta]] = {}
    for event in events:
        match event:
            case TextDelta(text):
                texts.append(text)
            case ThinkingDelta():
                if not thoughts or thoughts[-1][-1].signature:
                    thoughts.append([])
                thoughts[-1].append(event)
            case ToolCallDelta():
                calls.setdefault(event.index, []).append(event)
            case Finished():
                return Said(
                    text="".join(texts),
                    thoughts=tuple(map(_thought, thoughts)),
                    tool_calls=tuple(_joined(calls[index]) for index in sorted(calls)),
                    reason=event.reason,
                    usage=event.usage,
                    model=event.model,
                )
    raise ValueError("the events of an answer that has not ended")


def _thought(pieces: list[ThinkingDelta]) -> Thinking:
    """Return a thought; a proof ends it."""
    return Thinking("".join(one.text for one in pieces), pieces[-1].signature)


def _joined(pieces: list[ToolCallDelta]) -> ToolCall:
    first = pieces[0]
    return ToolCall(first.id, first.name, "".join(one.arguments for one in pieces))


def unfold(said: Said) -> list[ModelEvent]:
    """Return `said` as the events of a stream that says each thing in one piece."""
    events: list[ModelEvent] = [ThinkingDelta(one.text, one.signature) for one in said.thoughts]
    if said.text:
        events.append(TextDelta(said.text))
    events += [
        ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
        for index, call in enumerate(said.tool_calls)
    ]
    return [*events, Finished(reason=said.reason, usage=said.usage, model=said.model)]
