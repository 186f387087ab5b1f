"""The names that may be asked, read by OpenAI's client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from tests.unit.server.serving import Serving, serving

pytestmark = pytest.mark.slow  # a server: seconds


@asynccontextmanager
async def client_of(server: Serving) -> AsyncIterator[AsyncOpenAI]:
    """The official client, which asks once only: what it does by itself must not hide what we answer."""
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none yet", max_retries=0) as client:
        yield client


async def test_features_ladders_models_and_the_engines_two_are_listed(project: Path) -> None:
    async with serving(project) as server, client_of(server) as client:
        listed = [model async for model in client.models.list()]
    assert [one.id for one in listed[:6]] == ["chat", "support", "answers", "quotes", "quoting", "scripted"]
    assert {(one.object, one.owned_by) for one in listed} == {("model", "buttress")}
    assert [one.id for one in listed[6:]] == [
        "all-MiniLM-L6-v2, int8, late interaction",
        "all-MiniLM-L6-v2, int8",
    ]


async def test_a_model_says_what_it_costs_and_who_says_so(tmp_path: Path) -> None:
    (tmp_path / "buttress.yaml").write_text("")
    (tmp_path / "models.yaml").write_text(
        "models:\n"
        "  priced: {provider: openai, id: x, base_url: 'http://127.0.0.1:9/v1',"
        " price: {input: 1, output: 2, source: our contract, date: 2026-05-01}}\n"
        "  unknown: {provider: openai, id: x, base_url: 'http://127.0.0.1:9/v1'}\n"
    )
    async with serving(tmp_path) as server, client_of(server) as client:
        told = [(await client.models.retrieve(name)).to_dict()["buttress"] for name in ("priced", "unknown")]
    assert isinstance(told[0], dict)
    assert told[0]["price"].items() >= {"input": 1.0, "output": 2.0, "source": "our contract"}.items()
    assert told[0]["price"]["date"] == "2026-05-01"
    assert told[1] == {"price": None}


async def test_a_model_that_is_called_as_the_own_re_ranker_is_listed_once(tmp_path: Path) -> None:
    (tmp_path / "buttress.yaml").write_text("knowledge: {reranker: {model: mine/ranker}}\n")
    (tmp_path / "models.yaml").write_text("models: {mine/ranker: {provider: extractive}}\n")
    async with serving(tmp_path) as server, client_of(server) as client:
        listed = [model.id async for model in client.models.list()]
    assert listed.count("mine/ranker") == 1
