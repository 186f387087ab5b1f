"""Models that keep their answers, as the official client sees them: two workers, one PostgreSQL."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from buttress.app.storage import project_database
from buttress.caching.store import AnswerStore
from buttress.gateway.types import Recollected
from buttress.kernel.clock import SystemClock
from buttress.settings.loading import load_settings
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.running import serve_models
from tests.flows.threads import in_thread
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MODELS = """\
models:
  kept:
    provider: openai
    id: x
    base_url: "{url}"
    price: {{input: 1, output: 2}}
    cache: {{ttl_s: 600}}
  claude: {{provider: anthropic, id: y, base_url: "{url}", key: "file:key", cache: {{}}}}
  plain: {{provider: openai, id: z, base_url: "{url}"}}
"""
SETTINGS = "caching: {read_timeout_s: 1}\n"
FIGURES = ("x-buttress-cost-nanodollars", "x-buttress-attempts", "x-buttress-model")


class Scene:
    """The served models, and what their upstream was asked."""

    def __init__(self) -> None:
        self.upstream = ScriptedUpstream(self._answer)
        self.url = ""
        self.project = Path()
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def asked(self, question: str) -> int:
        """Return how often the upstream was asked that."""
        return self._counts.get(question, 0)

    def _answer(self, received: Received) -> Reply:
        with self._lock:
            times = self._counts[received.question] = self.asked(received.question) + 1
        is_stuck = received.question.startswith("stuck") and times == 1
        said = Reply(chunks=(f"{received.question} ", f"{times}."))
        return msgspec.structs.replace(said, ending="stall", after=1) if is_stuck else said


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two workers, one of which answers each connection."""
    it = Scene()
    with (
        in_thread(it.upstream) as upstream,
        serve_models(
            tmp_path_factory.mktemp("kept"),
            MODELS.format(url=upstream.url),
            "--workers",
            "2",
            settings=SETTINGS,
        ) as served,
    ):
        it.url, it.project = served.url, served.project
        asyncio.run(listening(it))
        yield it


@pytest.fixture
async def client(scene: Scene) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client."""
    async with AsyncOpenAI(base_url=f"{scene.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


async def post(
    scene: Scene, question: str, model: str = "kept", **fields: object
) -> tuple[dict[str, str], bytes]:
    """Ask on a connection of its own, for whichever worker takes it; return the headers and the bytes."""
    body = {"model": model, "temperature": 0, "messages": said(question), **fields}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{scene.url}/v1/chat/completions", json=body) as response,
    ):
        return {name.lower(): value for name, value in response.headers.items()}, await response.read()


def said(question: str) -> list[ChatCompletionMessageParam]:
    """Return the question as a client puts it."""
    return [{"role": "user", "content": question}]


LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen%buttress_answers%'"


async def listening(scene: Scene) -> None:
    """Ask until both workers hear of what is to be forgotten; as they begin to, they forget what they had."""
    async with project_database(load_settings(scene.project), SystemClock()) as database:

        async def both() -> bool:
            await post(scene, "Who is there?")
            async with database.connection() as connection:
                row = await (await connection.execute(LISTENING)).fetchone()
            return row == (2,)

        await until(both, 30)


async def stored(scene: Scene) -> int:
    """Return how many answers there are for all workers."""
    async with project_database(load_settings(scene.project), SystemClock()) as database:
        return sum(one.entries for one in await AnswerStore(database).held(None, None))


async def kept_for_all(scene: Scene, question: str, **fields: object) -> tuple[dict[str, str], bytes]:
    """Ask, and return what came when it is there for all workers."""
    before = await stored(scene)
    first = await post(scene, question, "kept", **fields)

    async def is_stored() -> bool:
        return await stored(scene) > before

    await until(is_stored, 30)
    return first


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])
async def test_all_workers_give_the_answer_of_one_byte_for_byte(scene: Scene, *, stream: bool) -> None:
    question = f"Shared {stream}?"
    _, first = await kept_for_all(scene, question, stream=stream)
    again = [await post(scene, question, stream=stream) for _ in range(12)]
    assert {body for _, body in again} == {first}
    assert scene.asked(question) == 1
    assert {headers["x-buttress-cache"] for headers, _ in again} == {"hit"}
    if not stream:  # the figures of a stream stand at its end
        assert [again[0][0][name] for name in FIGURES] == ["0", "0", "kept"]


async def test_the_official_client_gets_whole_answers_again(scene: Scene, client: AsyncOpenAI) -> None:
    async def asked(**headers: str) -> tuple[str, str, str]:
        raw = await client.chat.completions.with_raw_response.create(
            model="kept", temperature=0, messages=said("Official?"), extra_headers=headers
        )
        answer = raw.parse()
        return raw.headers["x-buttress-cache"], str(answer.choices[0].message.content), answer.id

    assert await asked() == ("miss", "Official? 1.", "chatcmpl-scripted")
    assert await asked() == ("hit", "Official? 1.", "chatcmpl-scripted")
    assert (await asked(**{"x-buttress-cache": "skip"}))[:2] == ("skip", "Official? 2.")
    assert (await asked(**{"cache-control": "no-cache"}))[:2] == ("miss", "Official? 3.")
    assert (await asked())[:2] == ("hit", "Official? 3.")


@pytest.mark.parametrize(
    "model", [pytest.param("kept", id="passed on"), pytest.param("claude", id="translated")]
)
async def test_the_official_client_gets_streams_again(scene: Scene, client: AsyncOpenAI, model: str) -> None:
    async def chunks() -> tuple[str, list[dict[str, object]]]:
        raw = await client.chat.completions.with_raw_response.create(
            model=model,
            temperature=0,
            messages=said("Streamed?"),
            stream=True,
            stream_options={"include_usage": True},
        )
        async with raw.parse() as stream:
            return raw.headers["x-buttress-cache"], [chunk.model_dump() async for chunk in stream]

    (state, first), (state_again, again) = await chunks(), await chunks()
    assert (state, state_again) == ("miss", "hit")
    ours = [each.pop("buttress") for each in (*first, *again) if "buttress" in each]
    assert first == again
    if model == "claude":
        own, recalled = msgspec.convert(ours, tuple[dict[str, object], Told])
        assert (own["cache"], recalled.cache, recalled.attempts, recalled.cost_nanodollars) == (
            "miss",
            "hit",
            0,
            0,
        )
        assert (recalled.recalled.how, recalled.recalled.tokens) == ("exact", 10)
        assert recalled.recalled.trace_id == own["trace_id"] != recalled.trace_id


class Told(msgspec.Struct):
    """What the field `buttress` tells of an answer that was given again."""

    trace_id: str
    cache: str
    attempts: int
    cost_nanodollars: int
    recalled: Recollected


async def test_what_is_not_declared_says_nothing_of_a_cache(scene: Scene) -> None:
    headers, _ = await post(scene, "Plain?", model="plain")
    assert "x-buttress-cache" not in headers


async def test_who_follows_gets_an_answer_though_the_one_who_leads_hangs_up(scene: Scene) -> None:
    asked = {"model": "kept", "temperature": 0, "messages": said("stuck?"), "stream": True}
    async with (
        asyncio.TaskGroup() as group,
        aiohttp.ClientSession() as session,
        session.post(f"{scene.url}/v1/chat/completions", json=asked) as leading,
    ):
        await leading.content.readany()
        following = [group.create_task(post(scene, "stuck?", stream=True)) for _ in range(6)]
        await asyncio.sleep(0.2)  # some of them follow by then; where none does, this shows less
    told = [one.result() for one in following]
    assert all(b"[DONE]" in body and b"stuck? " in body for _, body in told)
    assert 1 < scene.asked("stuck?") <= 3  # at most once again in each worker, after the one who left


async def test_it_is_counted_what_was_saved(scene: Scene) -> None:
    for _ in range(2):
        await post(scene, "Counted?")

    async def are_told() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{scene.url}/metrics") as response:
            text = await response.text()
        told = [line for line in text.splitlines() if line.startswith("buttress_cache_saved_tokens_total")]
        hits = [line for line in text.splitlines() if 'outcome="exact"' in line]
        return any('feature="kept"' in line and not line.endswith(" 0") for line in told) and bool(hits)

    await until(are_told, 30)
