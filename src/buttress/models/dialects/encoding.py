"""JSON that is sent: whatever text a person or a model wrote, it becomes bytes. Pure."""

import msgspec

_JSON = msgspec.json.Encoder()
_NOTHING = b"{}"


def encode(value: object) -> bytes:
    """Return `value` as JSON; what is not Unicode (half of a surrogate pair) becomes a question mark."""
    try:
        return _JSON.encode(value)
    except UnicodeEncodeError:
        return _JSON.encode(_scrubbed(value))


def _scrubbed(value: object) -> object:
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            return {_scrubbed(name): _scrubbed(one) for name, one in value.items()}
        case list() | tuple():
            return [_scrubbed(one) for one in value]
        case _:
            return value


def tool_input(arguments: str) -> msgspec.Raw:
    """Return the arguments of a tool call as the JSON object that a `tool_use` block must hold.

    An object goes on as it was written, to the last digit. No arguments are an empty one; what a model wrote
    that is no object becomes `{"arguments": "what it wrote"}`, so that it can see what it did.
    """
    if not arguments.strip():
        return msgspec.Raw(_NOTHING)
    if is_object(arguments):
        return msgspec.Raw(arguments.encode())
    return msgspec.Raw(encode({"arguments": arguments}))


def is_object(text: str) -> bool:
    """Say whether `text` is a whole JSON object."""
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return False
    return True


def tool_arguments(raw: msgspec.Raw) -> str:
    """Return the input of a `tool_use` block as text; none, or null, is an empty object."""
    text = bytes(raw).decode(errors="replace")
    return "{}" if text in ("", "null") else text
