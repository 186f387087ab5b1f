"""`POST /v1/responses`: a feature is no model of it yet; models are in test_models."""

from pathlib import Path

import pytest

from tests.unit.server.serving import serving

pytestmark = pytest.mark.slow  # a server: seconds


async def test_a_body_that_is_none_is_refused_in_the_clients_shape(project: Path) -> None:
    async with serving(project) as server:
        response = await server.session.post(f"{server.url}/v1/responses", data=b"[]")
        told = await response.json()
    assert (response.status, told["error"]["code"]) == (400, "server.body_invalid")


async def test_a_name_that_nobody_has_is_not_found(project: Path) -> None:
    async with serving(project) as server:
        body = {"model": "nobody", "input": "Hi?"}
        async with server.session.post(f"{server.url}/v1/responses", json=body) as response:
            assert response.status == 404
