"""What a client says about earlier answers."""

from pathlib import Path

import msgspec
import pytest

from buttress.gateway.types import Recollected
from buttress.kernel.cached import Caching
from buttress.server.caching import caching_of
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import events_of, serving, write_project


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        pytest.param([], "use", id="nothing"),
        pytest.param([(b"x-buttress-cache", b"skip")], "skip", id="our own word"),
        pytest.param([(b"x-buttress-cache", b" Refresh ")], "refresh", id="with capitals and blanks"),
        pytest.param([(b"cache-control", b"no-store")], "skip", id="as HTTP says it"),
        pytest.param([(b"cache-control", b"max-age=0, no-cache")], "refresh", id="among others"),
        pytest.param(
            [(b"cache-control", b"no-cache"), (b"x-buttress-cache", b"skip")],
            "skip",
            id="the stricter",
        ),
        pytest.param([(b"x-buttress-cache", b"hit")], "use", id="what nobody can want"),
        pytest.param([(b"pragma", b"no-cache")], "use", id="another header"),
    ],
)
def test_what_is_wanted(headers: list[tuple[bytes, bytes]], wanted: Caching) -> None:
    assert caching_of(headers) == wanted


@pytest.mark.slow
async def test_over_the_wire_it_is_said_where_an_answer_comes_from(tmp_path: Path) -> None:
    async with ScriptedUpstream([Reply(chunks=("One. ", "Two."))]) as upstream:
        project = write_project(tmp_path / "project", upstream.url)
        with (project / "features" / "chat" / "feature.yaml").open("a") as file:
            file.write("cache: {level: process, ttl_s: 60}\n")
        async with serving(project) as server:

            async def post(path: str, body: object, **headers: str) -> tuple[str | None, dict[str, object]]:
                async with server.session.post(server.url + path, json=body, headers=headers) as response:
                    told = msgspec.json.decode(await response.read(), type=dict[str, object])
                    return response.headers.get("x-buttress-cache"), told

            own = {"input": {"question": "Hi?"}}
            chat = {"model": "chat", "messages": [{"role": "user", "content": "Hi?"}]}
            said = [
                await post("/v1/features/chat", own),
                await post("/v1/chat/completions", chat),
                await post("/v1/chat/completions", chat, **{"x-buttress-cache": "skip"}),
                await post("/v1/features/chat", own, **{"cache-control": "no-cache"}),
            ]
            async with server.ask("Hi?", stream=True) as response:
                streamed, head = await events_of(response), response.headers["x-buttress-cache"]
            path = f"{server.url}/v1/chat/completions"
            async with server.session.post(path, json={**chat, "stream": True}) as response:
                told = response.headers["x-buttress-cache"]
            async with server.ask("Are you there?", stream=True) as response:
                other = response.headers["x-buttress-cache"]
    assert [state for state, _ in said] == ["miss", "hit", "skip", "miss"]
    assert (head, told, other) == ("hit", "hit", "miss")
    assert streamed[0][1]["cache"] == "hit"
    assert len(upstream.received) == 4
    ours = msgspec.convert(said[1][1]["buttress"], dict[str, object])
    recalled = msgspec.convert(ours["recalled"], Recollected)
    assert (ours["cache"], ours["cost_nanodollars"]) == ("hit", 0)
    assert (recalled.how, recalled.tokens, recalled.trace_id) == ("exact", 10, said[0][1]["trace_id"])
    assert [name for name, _ in streamed] == ["began", "text", "text", "ended"]
    assert msgspec.convert(streamed[-1][1]["answer"], dict[str, object])["cache"] == "hit"
