"""Every field of a request in each dialect of clients, of every wrong type: read, or refused by its name."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import pytest

from buttress.kernel.errors import ButtressError
from buttress.models.dialects import embeddings, rerank
from buttress.models.dialects.chat import request_in as chat
from buttress.models.dialects.messages import request_in as messages
from buttress.models.dialects.responses import request_in as responses
from buttress.models.dialects.types import Body
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
PICTURE = "data:image/png;base64,aGk="
CHAT: dict[str, object] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief.", "name": "ada"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi?"},
                {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": "no",
            "reasoning_content": "Hm.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "7"},
        {"role": "assistant", "content": "", "function_call": {"name": "g", "arguments": "{}"}},
        {"role": "function", "name": "g", "content": "8"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "d", "schema": SCHEMA, "strict": True},
    },
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": 5,
    "max_completion_tokens": 6,
    "temperature": 0.5,
    "top_p": 0.5,
    "stop": ["a"],
    "seed": 1,
    "n": 1,
    "logprobs": False,
    "modalities": ["text"],
    "parallel_tool_calls": True,
    "reasoning_effort": "low",
    "logit_bias": {},
    "user": "ada",
    "metadata": {"k": "v"},
    "unheard_of": {"a": [1]},
}
MESSAGES: dict[str, object] = {
    "model": "m",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hi?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": "b"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "content": [{"type": "text", "text": "7"}],
                    "is_error": False,
                }
            ],
        },
    ],
    "tools": [{"name": "f", "description": "d", "input_schema": SCHEMA, "strict": True, "type": "custom"}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1_024},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "stop_sequences": ["a"],
    "stream": True,
    "temperature": 0.5,
    "top_p": 0.5,
    "metadata": {"user_id": "ada"},
    "unheard_of": {"a": [1]},
}
RESPONSES: dict[str, object] = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Hi?"},
                {"type": "input_image", "image_url": PICTURE, "detail": "low"},
            ],
        },
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "s",
            "content": [{"type": "reasoning_text", "text": "Hm."}],
        },
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "7"}]},
        {"role": "user", "content": "And?"},
    ],
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True}],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {
        "format": {"type": "json_schema", "name": "n", "description": "d", "schema": SCHEMA, "strict": True}
    },
    "reasoning": {"effort": "low"},
    "max_output_tokens": 5,
    "parallel_tool_calls": True,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_logprobs": 0,
    "include": [],
    "store": False,
    "background": False,
    "stream": True,
    "metadata": {"k": "v"},
    "unheard_of": {"a": [1]},
}
RERANK: dict[str, object] = {
    "model": "m",
    "query": "q",
    "documents": ["a", {"text": "b"}],
    "top_n": 1,
    "return_documents": True,
    "max_tokens_per_doc": 9,
    "rank_fields": ["text"],
    "unheard_of": {"a": [1]},
}
EMBEDDINGS: dict[str, object] = {
    "model": "m",
    "input": ["a", [1, 2]],
    "user": "ada",
    "dimensions": 64,
    "unheard_of": {"a": [1]},
}
DEEP: object = "deep"
for _ in range(200):
    DEEP = [DEEP]
WRONG: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, "", "x", "\x00", "x" * 10_000),
    *([], {}, [None], [[]], [{}], ["x"], [0], {"": None}, {"type": "x"}, {"type": 0}, {"role": "x"}, DEEP),
)


class Dialect(msgspec.Struct, frozen=True):
    """A request with every field that is heeded, and who reads it."""

    request: dict[str, object]
    read_body: Callable[[bytes], Body]
    read_request: Callable[[Body], object]
    ignored: Callable[[Body], Sequence[str]]

    def read(self, request: object) -> ButtressError | None:
        """Read `request` whole; return why it was refused, None where it was read."""
        try:
            body = self.read_body(json.dumps(request).encode())
            self.ignored(body)
            self.read_request(body)
        except (RequestInvalid, Untranslatable, StateUnsupported) as error:
            return error
        return None


DIALECTS: Mapping[str, Dialect] = {
    "chat": Dialect(CHAT, chat.read_body, chat.read_request, chat.ignored),
    "messages": Dialect(MESSAGES, messages.read_body, messages.read_request, messages.ignored),
    "responses": Dialect(RESPONSES, responses.read_body, responses.read_request, responses.ignored),
    "rerank": Dialect(RERANK, rerank.read_body, rerank.read_asked, rerank.ignored),
    "embeddings": Dialect(EMBEDDINGS, embeddings.read_body, embeddings.read_asked, lambda _: ()),
}
Path = tuple[str | int, ...]


def paths(value: object, above: Path = ()) -> Iterator[Path]:
    """Yield the path of each thing within `value`."""
    inside: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for key, one in inside:
        yield (*above, key)
        yield from paths(one, (*above, key))


def put(value: object, path: Path, other: object) -> object:
    """Return `value` with what stands at `path` replaced."""
    if not path:
        return other
    key, *rest = path
    if isinstance(value, dict):
        return {name: put(one, tuple(rest), other) if name == key else one for name, one in value.items()}
    assert isinstance(value, list)
    return [put(one, tuple(rest), other) if at == key else one for at, one in enumerate(value)]


CASES = [
    pytest.param(dialect, path, id=f"{name}: {'.'.join(map(str, path))}")
    for name, dialect in DIALECTS.items()
    for path in paths(dialect.request)
]


@pytest.mark.parametrize("name", DIALECTS)
def test_the_request_with_every_field_is_read(name: str) -> None:
    assert DIALECTS[name].read(DIALECTS[name].request) is None


@pytest.mark.parametrize(("dialect", "path"), CASES)
def test_a_field_of_a_wrong_type_is_read_or_refused_by_its_name(dialect: Dialect, path: Path) -> None:
    for wrong in WRONG:
        refused = dialect.read(put(dialect.request, path, wrong))
        if refused is not None:
            assert refused.hint
            assert len(refused.message) < 1_000, "what was sent is not sent back"
            assert str(refused.data["param"]).startswith(str(path[0])), (wrong, refused.message)
