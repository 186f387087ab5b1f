"""Streams as upstreams of the Messages format send them, and what they say. The texts are our own."""

import msgspec

from buttress.kernel.messages import (
    Finished,
    FinishReason,
    ModelEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
)
from buttress.kernel.usage import Usage

Data = dict[str, object]

PING: Data = {"type": "ping"}
STOP: Data = {"type": "message_stop"}
USAGE: Data = {"input_tokens": 9, "output_tokens": 1}
SPENT = Usage(input=9, output=20)


def start(**usage: object) -> Data:
    """Return a `message_start`."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1", "content": []}
    return {"type": "message_start", "message": message | {"stop_reason": None, "usage": usage}}


def block(index: int, **content: object) -> Data:
    """Return a `content_block_start`."""
    return {"type": "content_block_start", "index": index, "content_block": content}


def piece(index: int, **delta: object) -> Data:
    """Return a `content_block_delta`."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


def stop(index: int) -> Data:
    """Return a `content_block_stop`."""
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None, **usage: object) -> Data:
    """Return a `message_delta`."""
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or None}


def text(index: int, *said: str) -> list[Data]:
    """Return a block of text."""
    pieces = [piece(index, type="text_delta", text=one) for one in said]
    return [block(index, type="text", text=""), *pieces, stop(index)]


def call(index: int, name: str, *arguments: str) -> list[Data]:
    """Return a call of a tool, its arguments in pieces."""
    began = block(index, type="tool_use", id=f"toolu_{name}", name=name, input={})
    return [
        began,
        *(piece(index, type="input_json_delta", partial_json=one) for one in arguments),
        stop(index),
    ]


def finished(reason: FinishReason = "stop", usage: Usage | None = SPENT) -> Finished:
    """Return the last event of an answer."""
    return Finished(reason=reason, usage=usage, model="claude-x-1")


class Golden(msgspec.Struct, frozen=True):
    """A stream, what a reader makes of it, and how many characters it holds."""

    sent: list[Data]
    events: list[ModelEvent]
    characters: int


def _called(index: int, name: str, *arguments: str) -> list[ModelEvent]:
    began = ToolCallDelta(index=index, id=f"toolu_{name}", name=name)
    return [began, *(ToolCallDelta(index=index, arguments=one) for one in arguments)]


GOLDEN = {
    "plain text": Golden(
        [start(**USAGE), *text(0, "Good ", "day."), end("end_turn", output_tokens=20), STOP],
        [TextDelta("Good "), TextDelta("day."), finished()],
        9,
    ),
    "pings, and kinds of events, blocks and deltas that they may add": Golden(
        [
            PING,
            start(**USAGE),
            PING,
            {"type": "weather", "index": 7, "delta": {"type": "text_delta", "text": "not for us"}},
            block(0, type="hologram", data="x"),
            piece(0, type="hologram_delta", data="y"),
            stop(0),
            block(1, type="text", text=""),
            piece(1, type="text_delta", text="Hi"),
            piece(1, type="citations_delta", citation={"type": "page_location", "cited_text": "no"}),
            stop(1),
            end("end_turn", output_tokens=20),
            STOP,
        ],
        [TextDelta("Hi"), finished()],
        2,
    ),
    "thinking, signed, before the answer": Golden(
        [
            start(**USAGE),
            block(0, type="thinking", thinking="", signature=""),
            piece(0, type="thinking_delta", thinking="Let me "),
            piece(0, type="thinking_delta", thinking="see."),
            piece(0, type="signature_delta", signature="c2lnbmVk"),
            stop(0),
            *text(1, "Four."),
            end("end_turn", output_tokens=20, output_tokens_details={"thinking_tokens": 12}),
            STOP,
        ],
        [
            ThinkingDelta("Let me "),
            ThinkingDelta("see."),
            ThinkingDelta(signature="c2lnbmVk"),
            TextDelta("Four."),
            finished(usage=Usage(input=9, output=8, reasoning=12)),
        ],
        16,
    ),
    "thinking that only its provider can read is not told": Golden(
        [
            start(**USAGE),
            block(0, type="redacted_thinking", data="AAAA"),
            stop(0),
            *text(1, "Done."),
            end("end_turn", output_tokens=20),
            STOP,
        ],
        [TextDelta("Done."), finished()],
        5,
    ),
    "two calls at once keep their own places": Golden(  # litellm#33678, #5231
        [
            start(**USAGE),
            *text(0, "Looking."),
            *call(1, "time", '{"zone":', ' "UTC"}'),
            *call(2, "place", "", '{"at": 1}'),
            end("tool_use", output_tokens=20),
            STOP,
        ],
        [
            TextDelta("Looking."),
            *_called(0, "time", '{"zone":', ' "UTC"}'),
            *_called(1, "place", '{"at": 1}'),
            finished("tool_calls"),
        ],
        32,
    ),
    "a call without arguments streams none, and has an empty object": Golden(
        [start(**USAGE), *call(0, "now"), end("tool_use", output_tokens=20), STOP],
        [*_called(0, "now", "{}"), finished("tool_calls")],
        0,
    ),
    "a call whose arguments come whole, with its block": Golden(
        [
            start(**USAGE),
            block(0, type="tool_use", id="toolu_f", name="f", input={"a": 1}),
            stop(0),
            end("tool_use", output_tokens=20),
            STOP,
        ],
        [*_called(0, "f", '{"a":1}'), finished("tool_calls")],
        7,
    ),
    "a call whose block is never closed": Golden(
        [
            start(**USAGE),
            block(0, type="tool_use", id="toolu_f", name="f", input=None),
            end("tool_use", output_tokens=20),
            STOP,
        ],
        [*_called(0, "f", "{}"), finished("tool_calls")],
        0,
    ),
    "what their servers did by themselves is not told": Golden(
        [
            start(**USAGE),
            block(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
            piece(0, type="input_json_delta", partial_json='{"query": "x"}'),
            stop(0),
            block(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
            stop(1),
            *text(2, "Found."),
            end("end_turn", output_tokens=20, server_tool_use={"web_search_requests": 1}),
            STOP,
        ],
        [TextDelta("Found."), finished()],
        20,
    ),
    "a refusal": Golden(
        [start(**USAGE), *text(0, "I would "), end("refusal", output_tokens=20), STOP],
        [TextDelta("I would "), finished("content_filter")],
        8,
    ),
    "counts are sums so far, so the last ones count": Golden(  # litellm#11364
        [
            start(
                input_tokens=10,
                cache_read_input_tokens=100,
                cache_creation_input_tokens=7,
                output_tokens=1,
            ),
            *text(0, "a"),
            end(None, output_tokens=20),
            end("end_turn", output_tokens=30, output_tokens_details={"thinking_tokens": 12}),
            STOP,
        ],
        [
            TextDelta("a"),
            finished(usage=Usage(input=10, cache_read=100, cache_write=7, output=18, reasoning=12)),
        ],
        1,
    ),
    "the output of a beginning is not that of the whole": Golden(  # litellm#36008
        [start(**USAGE), *text(0, "a"), end("end_turn"), STOP],
        [TextDelta("a"), finished(usage=None)],
        1,
    ),
    "counts of a beginning are put right at the end": Golden(
        [
            start(input_tokens=0, output_tokens=0),
            *text(0, "a"),
            end("end_turn", input_tokens=9, cache_read_input_tokens=5, output_tokens=20),
            STOP,
        ],
        [TextDelta("a"), finished(usage=Usage(input=9, cache_read=5, output=20))],
        1,
    ),
    "zero is a count": Golden(  # litellm#37992
        [start(input_tokens=0, output_tokens=0), end("end_turn", output_tokens=0), STOP],
        [finished(usage=Usage())],
        0,
    ),
    "as Bedrock sends it, with figures of its own at the end": Golden(
        [
            {**start(**USAGE), "amazon-bedrock-trace": {}},
            *text(0, "Good day."),
            end("end_turn", output_tokens=20),
            {**STOP, "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 20}},
        ],
        [TextDelta("Good day."), finished()],
        9,
    ),
    "as Vertex sends it, the cache told by its parts": Golden(
        [
            start(
                input_tokens=9,
                cache_creation={"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
                output_tokens=1,
            ),
            *text(0, "Good day."),
            end("end_turn", output_tokens=20),
            STOP,
        ],
        [TextDelta("Good day."), finished(usage=Usage(input=9, cache_write=7, output=20, cache_write_1h=4))],
        9,
    ),
    "as servers send it that only call themselves compatible": Golden(
        [
            {"type": "message_start", "message": {"model": "claude-x-1", "usage": None, "content": None}},
            {"type": "content_block_start", "content_block": {"type": "text", "text": None}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
            {
                "type": "content_block_start",
                "content_block": {"type": "tool_use", "id": "toolu_f", "name": "f"},
            },
            {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{}"}},
            {"type": "content_block_stop"},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": USAGE},
            STOP,
            STOP,
            end("max_tokens", output_tokens=99),
        ],
        [
            TextDelta("Hi"),
            *_called(0, "f", "{}"),
            finished("tool_calls", Usage(input=9, output=1)),
        ],
        4,
    ),
}
