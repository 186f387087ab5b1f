"""The lane that a client asks for."""

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Message, ModelRequest
from buttress.models.dialects.chat.request_in import read_body as read_chat
from buttress.models.dialects.messages.request_in import read_body as read_messages
from buttress.models.order import Order

TURNS = [{"role": "user", "content": "Hi?"}]


def chat(**fields: object) -> Order:
    return Order(read_chat(msgspec.json.encode({"model": "m", "messages": TURNS, **fields})))


def claude(**fields: object) -> Order:
    told = {"model": "m", "messages": TURNS, "max_tokens": 9, **fields}
    return Order(read_messages(msgspec.json.encode(told)))


@pytest.mark.parametrize(
    ("order", "provider", "lane"),
    [
        pytest.param(chat(), "openai", "", id="nothing was asked for"),
        pytest.param(chat(service_tier="priority"), "openai", "priority", id="sooner"),
        pytest.param(chat(service_tier="flex"), "openai", "flex", id="later"),
        pytest.param(chat(service_tier="auto"), "openai", "", id="as the upstream likes"),
        pytest.param(chat(service_tier="default"), "openai", "", id="the usual one by its name"),
        pytest.param(chat(service_tier=None), "openai", "", id="null"),
        pytest.param(chat(service_tier=7), "openai", "?", id="no name"),
        pytest.param(chat(service_tier="priority"), "anthropic", "", id="it does not go on in these words"),
        pytest.param(claude(speed="fast"), "anthropic", "fast", id="Anthropic's"),
        pytest.param(claude(speed="standard"), "anthropic", "", id="Anthropic's usual one"),
        pytest.param(claude(service_tier="auto"), "anthropic", "", id="what is no price of its own there"),
        pytest.param(
            Order(ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=1)),
            "openai",
            "",
            id="our words",
        ),
    ],
)
def test_lane(order: Order, provider: str, lane: str) -> None:
    assert order.lane(Model(name="m", provider=provider)) == lane
