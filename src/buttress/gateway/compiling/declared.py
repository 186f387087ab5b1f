"""What feature.yaml may say: a struct for each part, converted one by one so that all mistakes are found."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from buttress.gateway.compiling.files import plain_name
from buttress.kernel.located import Keys, Located
from buttress.releases.types import QUESTION, SystemMessages, Thresholds, Unsupported

Text = Annotated[str, Meta(min_length=1)]
Milliseconds = Annotated[int, Meta(ge=1, le=3_600_000)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]

DEFAULT_INPUT: dict[str, object] = {
    "type": "object",
    "properties": {"question": {"type": "string", "minLength": 1, "maxLength": 4_000}},
    "required": ["question"],
    "additionalProperties": False,
}
"""The input of a feature that declares none."""


class FeatureEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; its parts are looked at one by one. `output` is known, and refused: it is not built."""

    description: str = ""
    input: object = None
    output: object = None
    chat: object = None
    latency: object = None
    cost: object = None
    cache: object = None
    stages: list[object]
    fallback: object = None


class LatencyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a call may take, and what happens when it would take longer; `job` is known, and refused."""

    first_token_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None
    when_late: Literal["fallback", "job"] = "fallback"


class CostEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an interaction should cost on average; an amount like `0.02 USD`."""

    per_interaction: object


class ChatEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How chat clients ask the feature; without `question` it is found in the input."""

    question: Text | None = None
    system: SystemMessages = "refuse"


class RulesEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of `kind: rules`."""

    name: Name
    kind: Literal["rules"]
    match: Text = QUESTION
    rules: Annotated[list[object], Meta(min_length=1)]


class RetrieveEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of `kind: retrieve`."""

    name: Name
    kind: Literal["retrieve"]
    knowledge: Text
    query: Text = QUESTION
    passages: Annotated[int, Meta(ge=1, le=100)] = 6
    relevance: Thresholds | None = None


class GenerateEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of `kind: generate`; without a prompt of its own it has the default one."""

    name: Name
    kind: Literal["generate"]
    prompt: Text | None = None
    ladder: Text
    max_tokens: Annotated[int, Meta(gt=0)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    unsupported: Unsupported = "withhold"


class MapEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of `kind: map`; without prompts of its own it has the default ones."""

    name: Name
    kind: Literal["map"]
    text: Text | None = None
    knowledge: Text | None = None
    document: Text | None = None
    prompt: Text | None = None
    merge: Text | None = None
    ladder: Text
    max_tokens: Annotated[int, Meta(gt=0)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.0
    piece_tokens: Annotated[int, Meta(ge=64, le=1_000_000)] = 6_000
    parallel: Annotated[int, Meta(ge=1, le=64)] = 4


class RegexEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule with a pattern."""

    regex: Text
    answer: Text


class TableEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule with a table of answers."""

    table: Text


class FunctionEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that is a Python function."""

    function: Annotated[str, Meta(pattern=r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*$")]


class FallbackTextEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fallback of `kind: text`."""

    kind: Literal["text"]
    text: Text


class FallbackPassagesEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fallback of `kind: passages`."""

    kind: Literal["passages"]
    text: Text
    passages: Annotated[int, Meta(ge=1, le=20)] = 3


def referenced_files(located: Located) -> list[str]:
    """Return the names of all files that feature.yaml names, each once, whatever else is wrong with it."""
    found = (value for value in _references(located) if isinstance(value, str))
    return list(dict.fromkeys(plain_name(name) for name in found if name))


def _references(located: Located) -> Iterator[object]:
    yield located.get("input")
    for stage in _items(located, "stages"):
        yield located.get(*stage, "prompt")
        yield located.get(*stage, "merge")
        for rule in _items(located, *stage, "rules"):
            yield located.get(*rule, "table")
            function = located.get(*rule, "function")
            yield function.partition(":")[0] if isinstance(function, str) else None


def _items(located: Located, *keys: str | int) -> Iterator[Keys]:
    value = located.get(*keys)
    for index in range(len(value) if isinstance(value, list) else 0):
        yield (*keys, index)
