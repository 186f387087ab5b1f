"""An answer in the words of the Responses API: a stream of events, or one whole object. Pure.

What is said, thought and called are items of `output`. Text and thoughts are said one after the other; calls
may be told piece by piece side by side, so their items stay open until the end.
"""

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import (
    Finished,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from buttress.models.dialects.chat.writing import error_object
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.folding import unfold
from buttress.models.dialects.responses.objects import (
    Json,
    Status,
    begun,
    call_item,
    ended,
    failed,
    item_id,
    message_item,
    reasoning_item,
    status_of,
    text_part,
)
from buttress.models.dialects.types import Body, Said, Told

NO_ARGUMENTS = "{}"
"""What a call without arguments says: clients read it as JSON, and nothing is none."""


class ResponsesWriter:
    """Writes one streamed answer; a `Writer`. `asked` is the request, of which the answer repeats fields.

    `response` is the object that all of it is about; it is whole when the stream has ended.
    """

    def __init__(self, told: Told, asked: Body | None = None) -> None:
        self._told = told
        self.response = begun(told, asked)
        self._output: list[Json] = []
        self._open: _Message | _Reasoning | None = None
        self._calls: dict[int, _Call] = {}
        self._number = 0

    def begin(self) -> bytes:
        """See `Writer.begin`."""
        return self._events(
            {"type": "response.created", "response": self.response},
            {"type": "response.in_progress", "response": self.response},
        )

    def write(self, event: ModelEvent, extra: dict[str, object] | None = None) -> bytes:
        """See `Writer.write`."""
        match event:
            case TextDelta(text):
                return self._say(text)
            case ThinkingDelta():
                return self._think(event)
            case ToolCallDelta():
                return self._call(event)
            case Finished():
                return self._finish(event, extra)

    def fail(self, error: ButtressError, status: int) -> bytes:
        """See `Writer.fail`: `response.failed`, and an event `error` that the official client raises.

        That client knows an error by a field `error` with an object, which the API's own event has not.
        """
        done = [item for item in self._output if item["status"] == "completed"]
        return self._events(
            {"type": "response.failed", "response": failed(self.response, done, error, status)},
            {
                "type": "error",
                "code": error.code,
                "message": f"{error.message}. {error.hint}",
                "param": error.data.get("param"),
                **error_object(error, status),
            },
        )

    def _say(self, text: str) -> bytes:
        opened = b""
        if not isinstance(self._open, _Message):
            opened = self._close("completed")
            self._open = _Message(item_id(self._told, "msg", len(self._output)), len(self._output))
            opened += self._add(self._open.item("in_progress"), self._open.begin())
        return opened + self._events(self._open.add(text))

    def _think(self, event: ThinkingDelta) -> bytes:
        opened = b""
        if not isinstance(self._open, _Reasoning) or self._open.signature:
            opened = self._close("completed")
            self._open = _Reasoning(item_id(self._told, "rs", len(self._output)), len(self._output))
            opened += self._add(self._open.item("in_progress"), [])
        self._open.signature = event.signature
        return opened + self._events(*(self._open.add(event.text) if event.text else ()))

    def _call(self, event: ToolCallDelta) -> bytes:
        opened = b""
        call = self._calls.get(event.index)
        if call is None:
            opened = self._close("completed")
            index = len(self._output)
            named = ToolCall(event.id or item_id(self._told, "call", index), event.name, "")
            call = _Call(item_id(self._told, "fc", index), index, named)
            self._calls[event.index] = call
            opened += self._add(call.item("in_progress"), [])
        return opened + self._events(*(call.add(event.arguments) if event.arguments else ()))

    def _finish(self, event: Finished, extra: dict[str, object] | None) -> bytes:
        status = status_of(event.reason)
        closed = self._close(status)
        for call in self._calls.values():
            closed += self._done(call, status)
        self.response = ended(self.response, self._output, event.reason, event.usage, extra)
        return closed + self._events({"type": f"response.{status}", "response": self.response})

    def _add(self, item: Json, opening: list[Json]) -> bytes:
        added = {"type": "response.output_item.added", "output_index": len(self._output), "item": item}
        self._output.append(item)
        return self._events(added, *opening)

    def _close(self, status: Status) -> bytes:
        """Return what ends the message or the thinking that is under way, if there is one."""
        item, self._open = self._open, None
        return self._done(item, status) if item else b""

    def _done(self, item: "_Message | _Reasoning | _Call", status: Status) -> bytes:
        ending = item.end(status)
        self._output[item.index] = whole_item = item.item(status)
        done = {"type": "response.output_item.done", "output_index": item.index, "item": whole_item}
        return self._events(*ending, done)

    def _events(self, *told: Json) -> bytes:
        return b"".join(self._event(one) for one in told)

    def _event(self, told: Json) -> bytes:
        data = encode({**told, "sequence_number": self._number})
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (str(told["type"]).encode(), data)


class _Message:
    """A message under way, at `index` of the output."""

    def __init__(self, own_id: str, index: int) -> None:
        self._id = own_id
        self.index = index
        self._texts: list[str] = []
        self._at: Json = {"item_id": own_id, "output_index": index, "content_index": 0}

    def begin(self) -> list[Json]:
        """Return the event that opens its one part."""
        return [{"type": "response.content_part.added", **self._at, "part": text_part("")}]

    def add(self, text: str) -> Json:
        """Take a piece of the text; return its event."""
        self._texts.append(text)
        return {"type": "response.output_text.delta", **self._at, "delta": text, "logprobs": []}

    def end(self, _status: Status) -> list[Json]:
        """Return the events that close the part."""
        text = "".join(self._texts)
        return [
            {"type": "response.output_text.done", **self._at, "text": text, "logprobs": []},
            {"type": "response.content_part.done", **self._at, "part": text_part(text)},
        ]

    def item(self, status: Status) -> Json:
        """Return it as it is now."""
        return message_item(self._id, "".join(self._texts) if self._texts else None, status)


class _Reasoning:
    """Thinking under way, at `index` of the output; told as its summary, which is what clients show."""

    def __init__(self, own_id: str, index: int) -> None:
        self._id = own_id
        self.index = index
        self.signature = ""
        self._texts: list[str] = []
        self._at: Json = {"item_id": own_id, "output_index": index, "summary_index": 0}

    def add(self, text: str) -> list[Json]:
        """Take a piece of the thinking; return its events, with that which opens the summary."""
        opening = {"type": "response.reasoning_summary_part.added", **self._at, "part": _summary("")}
        delta = {"type": "response.reasoning_summary_text.delta", **self._at, "delta": text}
        events = [delta] if self._texts else [opening, delta]
        self._texts.append(text)
        return events

    def end(self, _status: Status) -> list[Json]:
        """Return the events that close the summary, if there is one."""
        if not self._texts:
            return []
        text = "".join(self._texts)
        return [
            {"type": "response.reasoning_summary_text.done", **self._at, "text": text},
            {"type": "response.reasoning_summary_part.done", **self._at, "part": _summary(text)},
        ]

    def item(self, status: Status) -> Json:
        """Return it as it is now."""
        return reasoning_item(self._id, "".join(self._texts), self.signature, status)


class _Call:
    """A call of a function under way, at `index` of the output."""

    def __init__(self, own_id: str, index: int, call: ToolCall) -> None:
        self._id = own_id
        self.index = index
        self._call = call
        self._arguments: list[str] = []
        self._at: Json = {"item_id": own_id, "output_index": index}

    def add(self, arguments: str) -> list[Json]:
        """Take a piece of the arguments; return its event."""
        self._arguments.append(arguments)
        return [{"type": "response.function_call_arguments.delta", **self._at, "delta": arguments}]

    def end(self, status: Status) -> list[Json]:
        """Return the events that close the arguments; a whole call that has none says so in JSON."""
        added = [] if self._arguments or status != "completed" else self.add(NO_ARGUMENTS)
        done = {
            "type": "response.function_call_arguments.done",
            **self._at,
            "arguments": "".join(self._arguments),
        }
        return [*added, done]

    def item(self, status: Status) -> Json:
        """Return it as it is now."""
        call = ToolCall(self._call.id, self._call.name, "".join(self._arguments))
        return call_item(self._id, call, status)


def _summary(text: str) -> Json:
    return {"type": "summary_text", "text": text}


def whole(said: Said, told: Told, extra: dict[str, object] | None = None, asked: Body | None = None) -> bytes:
    """Return a whole answer as one object: that which a stream of it ends with."""
    writer = ResponsesWriter(told, asked)
    for event in unfold(said):
        writer.write(event, extra)
    return encode(writer.response)
