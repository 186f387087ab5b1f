"""What an upstream is asked in Anthropic's Messages format. Pure."""

from collections.abc import Sequence

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import JsonFormat, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.messages.blocks import GAP
from buttress.models.dialects.messages.effort import sampling_fields, thinking_fields
from buttress.models.dialects.messages.schemas import narrowed
from buttress.models.dialects.messages.turns import turns_of
from buttress.models.dialects.types import Body, answer_tokens
from buttress.models.errors import Untranslatable

_NOTHING: dict[str, object] = {"properties": {}, "additionalProperties": False}
_AS_JSON = "Answer with one JSON object, and with nothing before or after it."
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}


def request_body(model: Model, request: ModelRequest, *, stream: bool = True) -> bytes:
    """Return the JSON that asks `model`, for a stream or for a whole answer.

    What the system says stands beside the turns. A request that has no turn at all says what the system says
    as the user. Left out: `seed`, and what the model does not take (see `effort`).

    Raises:
        Untranslatable: a picture is neither at a web address nor in the request, a stop text is blank, or a
            schema has objects of any fields.
    """
    max_tokens = answer_tokens(request, model)
    system = _system(request)
    turns = turns_of([one for one in request.messages if one.role != "system"])
    if not turns:
        system, turns = "", [{"role": "user", "content": system}]
    thinking = thinking_fields(model, request, max_tokens)
    fields = {
        "model": model.id or model.name,
        "max_tokens": max_tokens,
        "messages": turns,
        "stream": stream,
        **({"system": system} if system else {}),
        **_stop_fields(request.stop),
        **_tool_fields(request),
        **sampling_fields(model, request, thinks="budget_tokens" in str(thinking)),
        **_merged(thinking, _format(request.json)),
    }
    return encode(fields)


def pass_on(model: Model, body: Body) -> bytes:
    """Return the client's own request with the name of `model` in it; all else stays, byte for byte."""
    return encode({**body.fields, "model": model.id or model.name})


def _system(request: ModelRequest) -> str:
    said = [one.content for one in request.messages if one.role == "system" and one.content.strip()]
    return GAP.join([*said, _AS_JSON] if request.json and request.json.schema is None else said)


def _stop_fields(stop: Sequence[str]) -> dict[str, object]:
    if any(not one.strip() for one in stop):
        raise Untranslatable(
            "an answer of Anthropic's models can not be stopped before blank text", data={"param": "stop"}
        )
    return {"stop_sequences": list(stop)} if stop else {}


def _format(wanted: JsonFormat | None) -> dict[str, object]:
    """Return the field that holds an answer to a schema.

    JSON of any shape has no field, and the prompt asks for it: a tool that is forced would make a call of
    what is to be text. OpenAI's own JSON mode wants it asked for in the prompt as well.
    """
    if wanted is None or wanted.schema is None:
        return {}
    return {"output_config": {"format": {"type": "json_schema", "schema": narrowed(wanted.schema)}}}


def _merged(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """Return both, with what they say of `output_config` together."""
    configs = [
        said for said in (one.get("output_config"), other.get("output_config")) if isinstance(said, dict)
    ]
    config = {name: value for said in configs for name, value in said.items()}
    return {**one, **other, **({"output_config": config} if config else {})}


def _tool_fields(request: ModelRequest) -> dict[str, object]:
    if not request.tools:
        return {}
    choice = _choice(request)
    return {
        "tools": [_tool(one) for one in request.tools],
        **({"tool_choice": choice} if choice else {}),
    }


def _tool(tool: Tool) -> dict[str, object]:
    described = {"description": tool.description} if tool.description else {}
    strict = {} if tool.is_strict is None else {"strict": tool.is_strict}
    schema = {"type": "object", **(tool.parameters or _NOTHING)}
    taken = narrowed(schema) if tool.is_strict else schema
    return {"name": tool.name, **described, "input_schema": taken, **strict}


def _choice(request: ModelRequest) -> dict[str, object]:
    """Return `tool_choice`, in which they say too whether several tools may be called at once."""
    parallel, choice = request.parallel_tools, request.tool_choice
    if choice is None and parallel is None:
        return {}
    asked = choice or ToolChoice("auto")
    named = {"name": asked.name} if asked.mode == "named" else {}
    is_apart = parallel is None or asked.mode == "none"
    alone = {} if is_apart else {"disable_parallel_tool_use": not parallel}
    return {"type": _CHOICES[asked.mode], **named, **alone}
