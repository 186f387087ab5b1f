"""One real call to a model: what it came to, and nobody asked twice."""

from pathlib import Path

import pytest

from buttress.app.buttress import Buttress
from buttress.app.project import declared_models
from buttress.app.trying import MAX_TOKENS, Tried, asking_once, models_only, try_model
from buttress.kernel.usage import Usage
from buttress.settings.loading import load_settings
from buttress.testing.upstream import Reply, ScriptedUpstream

MODELS = """\
models:
  quotes: {{provider: extractive}}
  chat: {{provider: openai, id: a, base_url: "{url}", price: {{input: 1.0, output: 2.0}}}}
  messages: {{provider: anthropic, id: b, base_url: "{url}", key: "file:key"}}
  ranker: {{provider: rerank, id: d, base_url: "{url}"}}
  vectors: {{provider: embeddings, id: e, base_url: "{url}", price: {{input: 1.0, output: 0}}}}
  generate: {{provider: gemini, id: c, base_url: "{url}", key: "file:key"}}
"""


async def tried(folder: Path, name: str, reply: Reply) -> tuple[Tried, ScriptedUpstream]:
    """Try the model `name` of a project whose upstream says `reply`."""
    async with ScriptedUpstream([reply]) as upstream:
        (folder / "models.yaml").write_text(MODELS.format(url=upstream.url))
        (folder / "key").write_text("a key")
        loaded = asking_once(load_settings(folder))
        only = models_only(declared_models(folder))
        async with Buttress.opened(loaded, declared=only) as buttress:
            return await try_model(buttress, name), upstream


@pytest.mark.parametrize("name", ["chat", "messages", "generate"])
async def test_any_provider_is_asked_for_a_short_answer(tmp_path: Path, name: str) -> None:
    one, upstream = await tried(tmp_path, name, Reply())
    assert (one.outcome, one.error, one.usage) == ("ok", None, Usage(input=7, output=3))
    assert one.cost_nanodollars == (13_000 if name == "chat" else None)
    assert one.first_token_ms is not None
    (received,) = upstream.received
    assert f": {MAX_TOKENS}" in str(received.body)


async def test_a_re_ranker_is_asked_to_re_rank(tmp_path: Path) -> None:
    one, upstream = await tried(tmp_path, "ranker", Reply())
    assert (one.outcome, one.error, one.cost_nanodollars) == ("ok", None, None)
    (received,) = upstream.received
    assert received.path == "/v1/rerank"


async def test_who_embeds_gets_a_word(tmp_path: Path) -> None:
    one, upstream = await tried(tmp_path, "vectors", Reply())
    assert (one.outcome, one.error, one.cost_nanodollars) == ("ok", None, 7_000)
    (received,) = upstream.received
    assert (received.path, received.body) == ("/v1/embeddings", {"model": "e", "input": "Hello"})


async def test_who_quotes_is_not_asked(tmp_path: Path) -> None:
    one, upstream = await tried(tmp_path, "quotes", Reply())
    assert (one, upstream.received) == (Tried(model="quotes", outcome="not_asked"), [])


async def test_a_failure_is_told_and_not_tried_again(tmp_path: Path) -> None:
    one, upstream = await tried(tmp_path, "chat", Reply(status=503, message="away"))
    assert (one.outcome, one.first_token_ms, len(upstream.received)) == ("failed", None, 1)
    assert one.error is not None
    assert (one.error["code"], one.error["retryable"]) == ("models.unavailable", True)


async def test_an_answer_of_nothing_but_thoughts_is_one(tmp_path: Path) -> None:
    """Sixteen tokens may all go into thinking."""
    one, _ = await tried(tmp_path, "chat", Reply(chunks=(), finish_reason="length"))
    assert (one.outcome, one.error) == ("ok", None)
