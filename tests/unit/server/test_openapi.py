"""The OpenAPI document."""

import re
from pathlib import Path

import msgspec
import pytest

from buttress.server.openapi import openapi
from tests.unit.server.serving import serving


async def test_each_feature_has_its_own_input(project: Path) -> None:
    async with (
        serving(project) as server,
        server.session.get(f"{server.url}/api/openapi.json") as response,
    ):
        document = await response.json()
    paths = document["paths"]
    assert {"/v1/features/chat", "/v1/features/support", "/v1/chat/completions", "/metrics"} <= set(paths)
    body = paths["/v1/features/chat"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["allOf"][1]["properties"]["input"]["properties"]["question"]["maxLength"] == 4_000


def test_every_reference_leads_somewhere() -> None:
    document = openapi({})
    named = set(re.findall(r'#/components/schemas/([^"]+)', msgspec.json.encode(document).decode()))
    assert named
    assert named <= set(msgspec.convert(document["components"], dict[str, dict[str, object]])["schemas"])


class Shape(msgspec.Struct):
    """What is read of a schema."""

    required: list[str]
    properties: dict[str, dict[str, object]]


@pytest.mark.parametrize(
    ("name", "needed", "who"),
    [
        ("ChatRequest", ["model", "messages"], {"user", "safety_identifier"}),
        ("MessagesRequest", ["model", "messages"], {"metadata"}),
        ("ResponsesRequest", ["model", "input"], {"user", "safety_identifier"}),
    ],
)
def test_requests_are_described_as_their_dialects_read_them(
    name: str, needed: list[str], who: set[str]
) -> None:
    components = msgspec.convert(openapi({})["components"], dict[str, dict[str, object]])
    shape = msgspec.convert(components["schemas"][name], Shape)
    assert shape.required == needed
    assert {"stream", "tools", "temperature", "conversation", *who} <= set(shape.properties)
    assert '"maximum":1' in msgspec.json.encode(shape.properties["top_p"]).decode()


def test_a_query_is_described_as_it_is_read() -> None:
    """Each parameter with its bounds and what it is when left out."""

    def parameters(path: str) -> dict[str, object]:
        described = msgspec.convert(openapi({})["paths"], dict[str, dict[str, dict[str, object]]])[path][
            "get"
        ]
        listed = msgspec.convert(described["parameters"], list[dict[str, object]])
        assert {one["in"] for one in listed} == {"query"}
        return {str(one["name"]): one["schema"] for one in listed}

    assert parameters("/api/budgets") == {
        "most": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 20}
    }
    assert set(parameters("/api/spend")) == {"by", "days", "tenant", "zone", "most"}
