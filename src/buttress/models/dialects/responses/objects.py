"""The objects that answers of the Responses API are made of: response, items, usage. Pure."""

from collections.abc import Sequence
from typing import Literal

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import FinishReason, ToolCall
from buttress.kernel.usage import Usage
from buttress.models.dialects.responses.request_in import echoed
from buttress.models.dialects.types import Body, Told

Status = Literal["in_progress", "completed", "incomplete", "failed"]
Json = dict[str, object]

_INCOMPLETE: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
_TOO_MANY = 429


def begun(told: Told, asked: Body | None) -> Json:
    """Return a response that has only begun, with the fields of the request that it repeats."""
    plain: Json = {
        "id": told.id,
        "object": "response",
        "created_at": told.created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": told.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
    }
    return plain | (echoed(asked) if asked else {})


def status_of(reason: FinishReason) -> Status:
    """Return how a response, and what was under way in it, ended."""
    return "incomplete" if reason in _INCOMPLETE else "completed"


def ended(
    response: Json,
    output: Sequence[Json],
    reason: FinishReason,
    usage: Usage | None,
    extra: dict[str, object] | None,
) -> Json:
    """Return `response` at its end; `extra` becomes our own field `buttress`."""
    details = {"reason": _INCOMPLETE[reason]} if reason in _INCOMPLETE else None
    return {
        **response,
        "status": status_of(reason),
        "incomplete_details": details,
        "output": output,
        "usage": None if usage is None else usage_of(usage),
        **({} if extra is None else {"buttress": extra}),
    }


def usage_of(usage: Usage) -> Json:
    """Return the counts as OpenAI sums them: the cache within the input, reasoning within the output."""
    inputs, outputs = usage.input + usage.cache_read + usage.cache_write, usage.output + usage.reasoning
    return {
        "input_tokens": inputs,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
        },
        "output_tokens": outputs,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": inputs + outputs,
    }


def item_id(told: Told, prefix: str, index: int) -> str:
    """Return the id of the item at `index` of the output; `prefix` says its kind: `msg`, `rs` or `fc`."""
    return f"{prefix}_{told.id.removeprefix('resp_')}_{index}"


def text_part(text: str) -> Json:
    """Return a part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(own_id: str, text: str | None, status: Status) -> Json:
    """Return a message; `text` None when nothing was said yet."""
    content = [] if text is None else [text_part(text)]
    return {"id": own_id, "type": "message", "status": status, "role": "assistant", "content": content}


def reasoning_item(own_id: str, text: str, signature: str, status: Status) -> Json:
    """Return what was thought; its signature stands where OpenAI puts theirs, so that it comes back."""
    return {
        "id": own_id,
        "type": "reasoning",
        "status": status,
        "summary": [{"type": "summary_text", "text": text}] if text else [],
        "encrypted_content": signature or None,
    }


def call_item(own_id: str, call: ToolCall, status: Status) -> Json:
    """Return a call of a function."""
    return {
        "id": own_id,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def failed(response: Json, output: Sequence[Json], error: ButtressError, status: int) -> Json:
    """Return `response` as one that failed; its error's code is one of the few that the API has."""
    code = "rate_limit_exceeded" if status == _TOO_MANY else "server_error"
    return {
        **response,
        "status": "failed",
        "output": output,
        "error": {"code": code, "message": f"{error.message}. {error.hint}"},
    }
