"""One turn of a model, as each provider writes it: whole, and as the stream that it really sends.

What is said is the same for all; how it is cut, counted and framed is each provider's own. The shapes are
those of their API references in autumn 2026; the texts are ours.
"""

from collections.abc import Iterator, Sequence

import msgspec

from buttress.testing.upstream import Recording, Reply

Json = dict[str, object]

PIECE = 7
"""Characters in a piece of a stream: words and JSON are cut in their middle."""

SIGNATURE = "EqQBCkYIBxgCKkDqTn4uFv2zq+golden/signature=="
"""What Anthropic proves its own thinking with."""


class Called(msgspec.Struct, frozen=True):
    """A call of a tool; `arguments` is JSON."""

    name: str
    arguments: str
    id: str = ""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens in disjoint classes. Gemini does not say what it wrote to its cache."""

    input: int = 25
    cache_read: int = 100
    cache_write: int = 0
    output: int = 30
    reasoning: int = 12


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What a model thinks, says and calls, in this order."""

    thinking: str = ""
    text: str = ""
    calls: tuple[Called, ...] = ()
    spent: Spent = Spent()
    is_cut_short: bool = False


def reply_of(path: str, turn: Turn) -> Reply:
    """Return `turn` as the provider answers whose API is at `path`."""
    if path.endswith("/messages"):
        return Reply(recording=Recording(_named(anthropic_events(turn)), _json(anthropic_whole(turn))))
    if "Content" in path:
        return Reply(recording=Recording(_plain(gemini_pieces(turn), b"\r\n\r\n"), _json(gemini_whole(turn))))
    stream = _plain(openai_chunks(turn), b"\n\n") + b"data: [DONE]\n\n"
    return Reply(recording=Recording(stream, _json(openai_whole(turn))))


def _json(told: object) -> bytes:
    return msgspec.json.encode(told)


def _plain(events: Iterator[Json], end: bytes) -> bytes:
    return b"".join(b"data: " + _json(one) + end for one in events)


def _named(events: Iterator[Json]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (str(one["type"]).encode(), _json(one)) for one in events)


def _pieces(text: str) -> Sequence[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


# --- OpenAI's chat completions; `reasoning_content` is what DeepSeek, vLLM and others add to them.


def _openai_head(kind: str) -> Json:
    return {
        "id": "chatcmpl-CkQ7XqL0golden",
        "object": kind,
        "created": 1_795_000_000,
        "model": "gpt-5-mini-2025-08-07",
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _openai_reason(turn: Turn) -> str:
    return "length" if turn.is_cut_short else "tool_calls" if turn.calls else "stop"


def _openai_usage(spent: Spent) -> Json:
    prompt = spent.input + spent.cache_read + spent.cache_write
    completion = spent.output + spent.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": spent.cache_read,
            "cache_write_tokens": spent.cache_write,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _openai_call(at: int, call: Called, arguments: str) -> Json:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id or f"call_golden{at}", "type": "function", "function": function}


def openai_chunks(turn: Turn) -> Iterator[Json]:
    """Yield the chunks before `[DONE]`."""
    head = _openai_head("chat.completion.chunk")
    deltas: list[Json] = [{"role": "assistant", "content": None if turn.calls else "", "refusal": None}]
    deltas += [{"reasoning_content": one} for one in _pieces(turn.thinking)]
    deltas += [{"content": one} for one in _pieces(turn.text)]
    for at, call in enumerate(turn.calls):
        deltas.append({"tool_calls": [{"index": at, **_openai_call(at, call, "")}]})
        deltas += [
            {"tool_calls": [{"index": at, "function": {"arguments": one}}]} for one in _pieces(call.arguments)
        ]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        yield {**head, "choices": [choice], "usage": None, "obfuscation": "x9Fz"}
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _openai_reason(turn)}
    yield {**head, "choices": [last], "usage": None, "obfuscation": ""}
    yield {**head, "choices": [], "usage": _openai_usage(turn.spent), "obfuscation": "q"}


def openai_whole(turn: Turn) -> Json:
    """Return the completion."""
    message: Json = {"role": "assistant", "content": turn.text or None, "refusal": None, "annotations": []}
    if turn.thinking:
        message["reasoning_content"] = turn.thinking
    if turn.calls:
        message["tool_calls"] = [_openai_call(at, call, call.arguments) for at, call in enumerate(turn.calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _openai_reason(turn)}
    return {
        **_openai_head("chat.completion"),
        "choices": [choice],
        "usage": _openai_usage(turn.spent),
    }


# --- Anthropic's Messages


def _anthropic_message(spent: Spent, output: int) -> Json:
    usage = {
        "input_tokens": spent.input,
        "cache_creation_input_tokens": spent.cache_write,
        "cache_read_input_tokens": spent.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": spent.cache_write,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": output,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    return {
        "model": "claude-sonnet-4-6",
        "id": "msg_01Golden",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _anthropic_blocks(turn: Turn) -> list[tuple[Json, list[Json]]]:
    """Return each block as it begins, and its deltas."""
    blocks: list[tuple[Json, list[Json]]] = []
    if turn.thinking:
        told: list[Json] = [{"type": "thinking_delta", "thinking": one} for one in _pieces(turn.thinking)]
        signed: Json = {"type": "signature_delta", "signature": SIGNATURE}
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [*told, signed]))
    if turn.text:
        texts: list[Json] = [{"type": "text_delta", "text": one} for one in _pieces(turn.text)]
        blocks.append(({"type": "text", "text": ""}, texts))
    for at, call in enumerate(turn.calls):
        begun: Json = {"type": "tool_use", "id": call.id or f"toolu_golden{at}", "name": call.name}
        pieces = ["", *_pieces(call.arguments)]
        deltas: list[Json] = [{"type": "input_json_delta", "partial_json": one} for one in pieces]
        blocks.append(({**begun, "input": {}, "caller": {"type": "direct"}}, deltas))
    return blocks


def _anthropic_reason(turn: Turn) -> str:
    return "max_tokens" if turn.is_cut_short else "tool_use" if turn.calls else "end_turn"


def anthropic_events(turn: Turn) -> Iterator[Json]:
    """Yield the events, a ping among them."""
    yield {"type": "message_start", "message": _anthropic_message(turn.spent, 1)}
    for at, (begun, deltas) in enumerate(_anthropic_blocks(turn)):
        yield {"type": "content_block_start", "index": at, "content_block": begun}
        if at == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": at, "delta": delta}
        yield {"type": "content_block_stop", "index": at}
    spent = turn.spent
    usage = {
        "input_tokens": spent.input,
        "cache_creation_input_tokens": spent.cache_write,
        "cache_read_input_tokens": spent.cache_read,
        "output_tokens": spent.output + spent.reasoning,
        "output_tokens_details": {"thinking_tokens": spent.reasoning},
    }
    delta = {"stop_reason": _anthropic_reason(turn), "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop"}


def anthropic_whole(turn: Turn) -> Json:
    """Return the message."""
    content: list[Json] = []
    if turn.thinking:
        content.append({"type": "thinking", "thinking": turn.thinking, "signature": SIGNATURE})
    if turn.text:
        content.append({"type": "text", "text": turn.text})
    for at, call in enumerate(turn.calls):
        block: Json = {"type": "tool_use", "id": call.id or f"toolu_golden{at}", "name": call.name}
        content.append({**block, "input": msgspec.Raw(call.arguments.encode())})
    spent = turn.spent
    message = _anthropic_message(spent, spent.output + spent.reasoning)
    usage = message["usage"]
    assert isinstance(usage, dict)
    usage["output_tokens_details"] = {"thinking_tokens": spent.reasoning}
    return {**message, "content": content, "stop_reason": _anthropic_reason(turn)}


# --- Google's generateContent


def _gemini_parts(turn: Turn) -> list[Json]:
    """Return the parts of the whole; the proof of a thought stands with the first call."""
    parts: list[Json] = [{"text": turn.thinking, "thought": True}] if turn.thinking else []
    parts += [{"text": turn.text}] if turn.text else []
    for at, call in enumerate(turn.calls):
        function = {"name": call.name, "args": msgspec.Raw(call.arguments.encode())}
        proof = {} if at else {"thoughtSignature": "CiQBjz1golden=="}
        parts.append({"functionCall": function, **proof})
    return parts


def _gemini_answer(parts: Sequence[Json], spent: Spent, reason: str | None) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    prompt = spent.input + spent.cache_read
    counted: Json = {
        "promptTokenCount": prompt,
        "totalTokenCount": prompt + spent.output + spent.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        "candidatesTokenCount": spent.output,
        "thoughtsTokenCount": spent.reasoning,
        "cachedContentTokenCount": spent.cache_read,
    }
    return {
        "candidates": [candidate if reason is None else {**candidate, "finishReason": reason}],
        "usageMetadata": counted,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "golden-kQ7XqL0",
    }


def gemini_pieces(turn: Turn) -> Iterator[Json]:
    """Yield the pieces: text is cut, a call comes whole, the last piece says why it ends."""
    parts: list[Json] = []
    for part in _gemini_parts(turn):
        if "text" in part:
            parts += [{**part, "text": one} for one in _pieces(str(part["text"]))]
        else:
            parts.append(part)
    for part in parts:
        yield _gemini_answer([part], turn.spent, None)
    yield _gemini_answer([{"text": ""}], turn.spent, "MAX_TOKENS" if turn.is_cut_short else "STOP")


def gemini_whole(turn: Turn) -> Json:
    """Return the answer."""
    return _gemini_answer(_gemini_parts(turn), turn.spent, "MAX_TOKENS" if turn.is_cut_short else "STOP")
