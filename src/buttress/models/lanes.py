"""The lane that a client asks for: to be served sooner for more money, or later for less. Pure."""

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import UNDECODABLE
from buttress.models.dialects.types import Body

_FIELDS = {("chat", "openai"): "service_tier", ("messages", "anthropic"): "speed"}
"""Where it stands in a request that goes on as it came, by its dialect and the provider of the model."""

_USUAL = ("auto", "default", "standard")
_NAME = msgspec.json.Decoder(str | None)


def lane_of(body: Body, model: Model) -> str:
    """Return the lane that `body` asks `model` for; empty for the usual one, `?` for what is no name."""
    raw = body.fields.get(_FIELDS.get((body.dialect, model.provider), ""))
    if raw is None:
        return ""
    try:
        name = _NAME.decode(raw)
    except UNDECODABLE:
        return "?"
    return "" if name is None or name in _USUAL else name
