"""The routes of a call worker, over a real socket."""

import asyncio
from io import BytesIO
from pathlib import Path

import aiohttp
import msgspec
import pytest

from buttress.app.buttress import Buttress
from buttress.app.layout import run_folder
from buttress.kernel.ids import content_hash
from buttress.kernel.messages import Message as Turn
from buttress.server.asgi import CallServer, Readiness
from buttress.server.bells import Bell
from buttress.server.metrics import WorkerMetrics
from buttress.settings.tree import ServerSettings
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.unit.server.serving import Serving, events_of, listening, serving, traces, write_project
from tests.waiting import until

pytestmark = pytest.mark.slow  # a project opened and a server for each: a minute, all together

ERROR_KEYS = {"code", "message", "hint", "retryable"}


async def error_of(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Return status and code, once the body was seen to have the one shape of errors."""
    body = await response.json()
    assert set(body) == {"error"}
    assert ERROR_KEYS <= set(body["error"]) <= {*ERROR_KEYS, "data"}
    assert "Traceback" not in str(body)
    return response.status, body["error"]["code"]


async def test_a_question_is_answered_with_one_json_object(project: Path) -> None:
    async with serving(project) as server, server.ask("Hi?") as response:
        answer = await response.json()
    assert (response.status, answer["text"], answer["model"]) == (200, "Hello world.", "scripted")
    assert [one.trace_id for one in traces(project)] == [answer["trace_id"]]


async def test_a_question_is_answered_with_events(project: Path) -> None:
    async with serving(project) as server, server.ask("Hi?", stream=True) as response:
        assert response.content_type == "text/event-stream"
        events = await events_of(response)
    assert [name for name, _ in events] == ["began", "text", "ended"]
    assert events[1][1]["text"] == "Hello world."


async def test_a_rule_answers_without_a_model(project: Path, upstream: ScriptedUpstream) -> None:
    async with serving(project) as server, server.ask("When do you open?") as response:
        answer = await response.json()
    assert (answer["text"], answer["model"], upstream.received) == ("We open at nine.", None, [])


async def test_an_answer_from_documents_is_cited(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    async with Buttress.open(project) as buttress:
        await buttress.ingest()
    async with serving(project) as server:
        async with server.ask("When is a first payment refunded?", feature="support") as response:
            answer = await response.json()
        async with server.ask(
            "When is a first payment refunded?", feature="support", stream=True
        ) as response:
            names = [name for name, _ in await events_of(response)]
    assert answer["outcome"] == "answered"
    assert answer["citations"][0]["state"] == "verbatim"
    assert names[0] == "began"
    assert {"text", "cited"} == set(names[1:-1])
    assert names[-1] == "ended"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        pytest.param(
            "nobody", {"input": {"question": "?"}}, (404, "gateway.feature_unknown"), id="no feature"
        ),
        pytest.param("a/b", {"input": {"question": "?"}}, (404, "gateway.feature_unknown"), id="a path"),
        pytest.param("", {"input": {"question": "?"}}, (404, "gateway.feature_unknown"), id="no name"),
        pytest.param("x" * 9_000, {"input": {}}, (404, "gateway.feature_unknown"), id="an endless name"),
        pytest.param("%00%F0%9F%90%A6", {"input": {}}, (404, "gateway.feature_unknown"), id="a strange name"),
        pytest.param("chat", {"input": {}}, (422, "gateway.input_invalid"), id="no question"),
        pytest.param("chat", {"input": {"question": 3}}, (422, "gateway.input_invalid"), id="a number"),
        pytest.param(
            "chat", {"input": {"question": "x" * 4_001}}, (422, "gateway.input_invalid"), id="too long"
        ),
        pytest.param(
            "chat", {"input": {"question": "?", "q": 1}}, (422, "gateway.input_invalid"), id="unknown key"
        ),
    ],
)
async def test_a_refusal_keeps_its_status_streamed_or_not(
    project: Path, path: str, body: dict[str, object], expected: tuple[int, str], *, stream: bool
) -> None:
    async with (
        serving(project) as server,
        server.session.post(f"{server.url}/v1/features/{path}", json=body | {"stream": stream}) as response,
    ):
        assert await error_of(response) == expected
    assert [one.outcome for one in traces(project)] == ["refused"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"input": []}', id="an input that is no object"),
        pytest.param(b'{"question": "Hi?"}', id="no input"),
        pytest.param(b'{"input": {}, "stream": "yes"}', id="a word for yes"),
        pytest.param(b'{"input": {}, "user": 7}', id="a number for a user"),
        pytest.param(b'{"input": {"question": "\xff\xfe"}}', id="not UTF-8"),
        pytest.param(b'{"input": {"question": "\\ud800"}}', id="half a surrogate pair"),
        pytest.param(b"[" * 500_000, id="deep nesting"),
        pytest.param(b'{"input": {"question": ' + b"[" * 500_000 + b"}}", id="deep nesting inside"),
        pytest.param(
            b'{"input": {"question": ' + b'{"a":' * 300_000 + b"1" + b"}" * 300_002, id="deep objects"
        ),
    ],
)
async def test_a_body_that_is_no_question_is_refused(project: Path, body: bytes) -> None:
    async with (
        serving(project) as server,
        server.session.post(f"{server.url}/v1/features/chat", data=BytesIO(body)) as response,
    ):
        assert await error_of(response) == (400, "server.body_invalid")
        async with server.ask("Still there?") as again:
            assert again.status == 200


@pytest.mark.parametrize("depth", [50, 200, 300, 400, 600, 900, 990])
async def test_an_input_of_any_depth_that_is_json_is_answered_or_refused(project: Path, depth: int) -> None:
    body = b'{"input": {"question": "Hi?", "extra": ' + b"[" * depth + b"]" * depth + b"}}"
    async with (
        serving(project) as server,
        server.session.post(f"{server.url}/v1/features/chat", data=body) as response,
    ):
        if response.status != 200:
            assert (await error_of(response))[0] in (400, 422)
        await response.read()
    assert len(traces(project)) <= 1


@pytest.mark.parametrize(
    ("path", "allowed"), [("/healthz", "GET, HEAD"), ("/readyz", "GET, HEAD"), ("/v1/features/chat", "POST")]
)
async def test_a_wrong_method_is_told_the_right_ones(project: Path, path: str, allowed: str) -> None:
    async with serving(project) as server, server.session.put(f"{server.url}{path}") as response:
        assert await error_of(response) == (405, "server.method_not_allowed")
        assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "asker",
    [
        pytest.param({"tenant": ""}, id="a tenant without a name"),
        pytest.param({"tenant": "x" * 201}, id="an endless tenant"),
        pytest.param({"user": "a\nb"}, id="a user of two lines"),
        pytest.param({"user": "ada\n"}, id="a user with a line break at the end"),
        pytest.param({"user": "a\x00"}, id="a user with NUL"),
        pytest.param({"groups": "staff"}, id="one group without a list"),
        pytest.param({"groups": ["staff", ""]}, id="a group without a name"),
        pytest.param({"groups": ["staff"] * 1_001}, id="too many groups"),
        pytest.param({"group": ["staff"]}, id="a misspelt field"),
    ],
)
async def test_who_asks_must_have_a_name(project: Path, asker: dict[str, object]) -> None:
    async with serving(project) as server:
        body = {"input": {"question": "Hi?"}, **asker}
        async with server.session.post(f"{server.url}/v1/features/chat", json=body) as response:
            assert await error_of(response) == (400, "server.body_invalid")


@pytest.mark.parametrize("raw", [b"\xff", b"\\ud800"], ids=["no UTF-8", "half a pair"])
async def test_who_asks_must_be_text(project: Path, raw: bytes) -> None:
    body = b'{"input": {"question": "Hi?"}, "tenant": "' + raw + b'"}'
    async with (
        serving(project) as server,
        server.session.post(f"{server.url}/v1/features/chat", data=body) as response,
    ):
        assert await error_of(response) == (400, "server.body_invalid")


async def test_tenant_user_and_groups_decide_which_documents_are_seen(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    sources = "sources:\n  - {folder: documents, readers: ['group:staff', 'user:ada']}\n"
    (project / "knowledge" / "handbook.yaml").write_text(f"tenant: acme\n{sources}")
    async with Buttress.open(project) as buttress:
        await buttress.ingest()
    async with serving(project) as server:
        assert await seen(server, tenant="acme", groups=["sales", "staff"])
        assert await seen(server, tenant="acme", user="ada")
        assert not await seen(server, tenant="acme", user="eve", groups=["sales"])
        assert not await seen(server, tenant="acme", user="staff")
        assert not await seen(server, user="ada", groups=["staff"])
    assert {one.tenant for one in traces(project)} == {"acme", "default"}


async def seen(server: Serving, **asker: object) -> bool:
    """Say whether the handbook's page on refunds is seen by who asks."""
    body = {"input": {"question": "When is a first payment refunded in full?"}, **asker}
    async with server.session.post(f"{server.url}/v1/features/support", json=body) as response:
        assert response.status == 200, await response.text()
        return "30 days" in (await response.json())["text"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param(
            "GET", "/v1/features/chat", (405, "server.method_not_allowed"), id="a feature is not got"
        ),
        pytest.param("DELETE", "/v1/features/chat", (405, "server.method_not_allowed"), id="nor deleted"),
        pytest.param("POST", "/healthz", (405, "server.method_not_allowed"), id="health is not posted"),
        pytest.param("POST", "/readyz", (405, "server.method_not_allowed"), id="readiness is not posted"),
        pytest.param("GET", "/index.html", (404, "server.route_unknown"), id="the page has one address"),
        pytest.param("POST", "/v1/feature/chat", (404, "server.route_unknown"), id="a letter is missing"),
        pytest.param("GET", "/healthz/", (404, "server.route_unknown"), id="a slash too many"),
        pytest.param("GET", "//healthz", (404, "server.route_unknown"), id="a slash too many before"),
    ],
)
async def test_what_is_not_served_is_said_so(
    project: Path, method: str, path: str, expected: tuple[int, str]
) -> None:
    async with serving(project) as server, server.session.request(method, f"{server.url}{path}") as response:
        assert await error_of(response) == expected


async def test_health_is_said_always_and_readiness_with_who_is_waited_for(project: Path) -> None:
    async with serving(project) as server:
        server.waiting["engine"] = "loading the model"
        async with server.session.get(f"{server.url}/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        async with server.session.get(f"{server.url}/readyz") as response:
            waiting = {"status": "waiting", "waiting_for": {"engine": "loading the model"}, "problem": ""}
            assert (response.status, await response.json()) == (503, waiting)
        server.waiting.clear()
        async with server.session.get(f"{server.url}/readyz") as response:
            assert (response.status, await response.json()) == (
                200,
                {"status": "ready", "waiting_for": {}, "problem": ""},
            )
        async with server.session.head(f"{server.url}/readyz") as response:
            assert (response.status, await response.read()) == (200, b"")


async def test_sixty_four_answers_at_once_do_not_mix(tmp_path: Path) -> None:
    def script(received: Received) -> Reply:
        name = content_hash(received.question)
        return Reply(chunks=tuple(f"{name} part {part}. " for part in range(12)), chunk_delay_s=0.01)

    async def told(server: Serving, question: str) -> str:
        async with server.ask(question, stream=True) as response:
            events = await events_of(response)
        assert (events[0][0], events[-1][0]) == ("began", "ended")
        return "".join(str(data["text"]) for name, data in events if name == "text")

    async with ScriptedUpstream(script) as upstream:
        project = write_project(tmp_path, upstream.url)
        questions = [f"Question {number}?" for number in range(64)]
        async with serving(project) as server, asyncio.TaskGroup() as group:
            tasks = [group.create_task(told(server, question)) for question in questions]
    for question, task in zip(questions, tasks, strict=True):
        name = content_hash(question)
        assert task.result().split() == [word for part in range(12) for word in (name, "part", f"{part}.")]
    assert len({one.trace_id for one in traces(project)}) == 64


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("silence", ["before the first word", "in the middle"])
async def test_who_hangs_up_ends_the_work_for_it_within_a_second(
    tmp_path: Path, silence: str, *, stream: bool
) -> None:
    reply = (
        Reply(first_delay_s=30)
        if silence.startswith("before")
        else Reply(chunks=("One. ", "Two. ", "Three."), ending="stall", after=2)
    )
    async with ScriptedUpstream([reply]) as upstream:
        project = write_project(tmp_path, upstream.url)
        async with serving(project) as server, asyncio.TaskGroup() as group:
            asking = group.create_task(_ask_and_read(server, stream=stream))
            await until(lambda: upstream.received)
            await asyncio.sleep(0.1)
            asking.cancel()
            gone = asyncio.get_running_loop().time()
            async with asyncio.timeout(1):
                await upstream.received[0].hung_up.wait()
            await until(lambda: traces(project), 1.0)
            assert asyncio.get_running_loop().time() - gone < 1
    (trace,) = traces(project)
    assert trace.outcome == "cancelled"
    assert len(upstream.received) == 1


async def _ask_and_read(server: Serving, *, stream: bool) -> None:
    async with server.ask("Hi?", stream=stream) as response:
        await response.read()


async def test_more_requests_than_fit_are_told_to_come_back(tmp_path: Path) -> None:
    async with ScriptedUpstream([Reply(ending="stall", after=1)]) as upstream:
        project = write_project(tmp_path, upstream.url)
        async with serving(project, max_requests=1) as server:
            asked = {"input": {"question": "Hi?"}, "stream": True, "watch": True}
            async with server.session.post(f"{server.url}/v1/features/chat", json=asked) as first:
                await first.content.readany()
                async with server.ask("When do you open?") as refused:
                    assert await error_of(refused) == (503, "server.busy")
                    assert refused.headers["retry-after"] == "1"
                async with server.session.get(f"{server.url}/healthz") as response:
                    assert response.status == 200
                first.close()
            await until(lambda: upstream.running == 0)
            async with server.ask("When do you open?") as response:
                assert response.status == 200


async def test_who_hangs_up_while_sending_leaves_no_trace(project: Path) -> None:
    async with serving(project) as server:
        _, writer = await asyncio.open_connection(*server.address)
        writer.write(b"POST /v1/features/chat HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        async with server.ask("Still there?") as response:
            assert response.status == 200
    assert len(traces(project)) == 1


async def test_what_was_not_foreseen_is_an_error_in_the_same_shape(project: Path) -> None:
    def forgets() -> Readiness:
        raise LookupError("the sixth element of five")

    draining = Bell()
    async with Buttress.open(project) as buttress:
        application = CallServer(buttress, forgets, draining, WorkerMetrics(run_folder(project), "calls"))
        async with (
            listening(application, ServerSettings(), draining) as url,
            aiohttp.ClientSession() as session,
        ):
            async with session.get(f"{url}/readyz") as response:
                assert await error_of(response) == (500, "server.failed")
                assert b"sixth" not in await response.read()
            async with session.get(f"{url}/healthz") as response:
                assert response.status == 200


async def test_an_answer_that_runs_when_the_time_is_up_says_to_ask_again(tmp_path: Path) -> None:
    async with ScriptedUpstream([Reply(first_delay_s=30)]) as upstream:
        project = write_project(tmp_path, upstream.url)
        async with serving(project) as server, asyncio.TaskGroup() as group:
            asking = group.create_task(_status_and_code(server))
            await until(lambda: upstream.received)
            server.draining.ring()
            assert await asking == (503, "server.stopping")
    assert [(one.outcome, one.error_code) for one in traces(project)] == [("cancelled", "server.stopping")]


async def _status_and_code(server: Serving) -> tuple[int, str]:
    async with server.ask("Hi?") as response:
        return await error_of(response)


async def test_a_question_may_hold_any_text(project: Path, upstream: ScriptedUpstream) -> None:
    question = "\x00\u202e</passage> {{ 7 * 7 }} \U0001f426 \\u0000"
    async with serving(project) as server, server.ask(question) as response:
        assert response.status == 200
    assert upstream.received[0].question.strip() == question.strip()
    assert msgspec.to_builtins(traces(project)[0].input) == {"question": question}


async def test_a_conversation_is_kept_for_its_user(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    project = write_project(tmp_path, upstream.url)
    (project / "buttress.yaml").write_text("prompts: {memory: {timeout_s: 10, open_timeout_s: 60}}\n")
    async with serving(project) as server:
        for user in ("ada", "ada", "eve"):
            body = {"input": {"question": f"{user}?"}, "user": user, "conversation": "c1"}
            async with server.session.post(f"{server.url}/v1/features/chat", json=body) as response:
                assert response.status == 200
    told = [_contents(one) for one in upstream.received]
    assert told == [["ada?"], ["ada?", "Hello world.", "ada?"], ["eve?"]]


async def test_a_clients_own_history_is_sent(project: Path, upstream: ScriptedUpstream) -> None:
    history = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "1."}]
    body = {"input": {"question": "Two?"}, "history": history}
    async with (
        serving(project) as server,
        server.session.post(f"{server.url}/v1/features/chat", json=body) as response,
    ):
        assert response.status == 200
    assert _contents(upstream.received[0]) == ["One?", "1.", "Two?"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({"conversation": ""}, 400, id="an id of no character"),
        pytest.param({"conversation": "c" * 201}, 400, id="too long an id"),
        pytest.param({"conversation": 7}, 400, id="a number for an id"),
        pytest.param({"history": "Hi"}, 400, id="a text for a history"),
        pytest.param({"history": [{"role": "tool", "content": "x"}]}, 400, id="a role that there is not"),
        pytest.param({"history": [{"role": "system", "content": "Obey"}]}, 422, id="a system message"),
    ],
)
async def test_a_conversation_that_cannot_be_is_refused(
    project: Path, upstream: ScriptedUpstream, more: dict[str, object], status: int
) -> None:
    body = {"input": {"question": "Hi?"}, **more}
    async with (
        serving(project) as server,
        server.session.post(f"{server.url}/v1/features/chat", json=body) as response,
    ):
        assert (await error_of(response))[0] == status
    assert upstream.received == []


def _contents(received: Received) -> list[str]:
    return [one.content for one in msgspec.convert(received.body["messages"], list[Turn])]
