"""What a Gemini model is asked with: a body for `generateContent`. Pure."""

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import JsonFormat, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.encoding import encode
from buttress.models.dialects.gemini.contents import Json, contents_of, system_of
from buttress.models.dialects.gemini.effort import thinking_config
from buttress.models.dialects.types import answer_tokens

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}


def request_body(model: Model, request: ModelRequest) -> bytes:
    """Return the JSON that asks `model`; whether for a stream, the address says, not the body.

    What the system says stands beside the turns; a request that has no turn at all says it as the user. Left
    out is what there is no word for: whether a schema is strict, the detail of a picture, the text of
    thoughts, and that one tool is to be called at a time (who reads the answer keeps the first call).

    Raises:
        RequestInvalid: the result of a call that no turn before it made.
        Untranslatable: a picture is told in a way that cannot be sent.
    """
    system, contents = system_of(request.messages), contents_of(request.messages)
    if not contents:
        system, contents = "", [{"role": "user", "parts": [{"text": system}]}]
    fields: Json = {
        "systemInstruction": {"parts": [{"text": system}]} if system else None,
        "contents": contents,
        "tools": [{"functionDeclarations": [_tool(one) for one in request.tools]}] if request.tools else None,
        "toolConfig": _tool_config(request.tool_choice),
        "generationConfig": _generation_config(model, request),
    }
    return encode(_given(fields))


def _given(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _tool(tool: Tool) -> Json:
    """Return a tool; `parametersJsonSchema` takes any JSON Schema, `parameters` a part of OpenAPI's."""
    described = {"description": tool.description} if tool.description else {}
    schema = {} if tool.parameters is None else {"parametersJsonSchema": tool.parameters}
    return {"name": tool.name, **described, **schema}


def _tool_config(choice: ToolChoice | None) -> Json | None:
    if choice is None:
        return None
    named = {"allowedFunctionNames": [choice.name]} if choice.mode == "named" else {}
    return {"functionCallingConfig": {"mode": _MODES[choice.mode], **named}}


def _generation_config(model: Model, request: ModelRequest) -> Json:
    return _given(
        {
            "maxOutputTokens": answer_tokens(request, model),
            "temperature": request.temperature,
            "topP": request.top_p,
            "stopSequences": request.stop or None,
            "seed": request.seed,
            "thinkingConfig": thinking_config(model, request.effort),
            **_format(request.json),
        }
    )


def _format(wanted: JsonFormat | None) -> Json:
    if wanted is None:
        return {}
    return {"responseMimeType": "application/json", "responseJsonSchema": wanted.schema}
