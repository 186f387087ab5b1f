"""The OpenAPI document."""

import re
from pathlib import Path

import msgspec

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


async def test_every_reference_leads_somewhere(project: Path) -> None:
    async with (
        serving(project) as server,
        server.session.get(f"{server.url}/api/openapi.json") as response,
    ):
        document = await response.json()
    named = set(re.findall(r"#/components/schemas/(\w+)", msgspec.json.encode(document).decode()))
    assert named
    assert named <= set(document["components"]["schemas"])
