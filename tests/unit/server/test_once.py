"""Requests with an Idempotency-Key, over real HTTP and a real PostgreSQL."""

import asyncio
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec
import pytest

from buttress.access.idempotency import Kept
from buttress.access.idempotency_claims import Claims
from buttress.access.idempotency_store import Ending
from buttress.kernel.principal import ANYBODY, Principal
from buttress.server.attending import Attention
from buttress.server.bells import Bell
from buttress.server.bodies import Message, read_body, send_break, send_bytes
from buttress.server.once import NOT_KEPT, REPLAYED, Copy, Once, answer_once
from buttress.server.request import Request
from buttress.storage.database import Database
from buttress.storage.embedded import EmbeddedServer
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.flows.doors import PATHS, WAYS, Door, request_of
from tests.unit.access.requests import QUICK
from tests.unit.server.serving import Serving, send_raw, serving, write_project
from tests.waiting import until

_numbers = count()

CLOSED = "postgresql://nobody@127.0.0.1:9/nothing"
"""A database where nothing listens."""


class Got(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_replayed(self) -> bool:
        """Whether it was given before."""
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def error(self) -> dict[str, object]:
        """What went wrong."""
        told = msgspec.json.decode(self.body, type=dict[str, object])
        return msgspec.convert(told["error"], dict[str, object])


def new_key() -> str:
    """Return a key that no other test sends."""
    return f"key-{next(_numbers)}"


@pytest.fixture
def url(shared_server: tuple[Path, EmbeddedServer]) -> str:
    """Return the address of the database that all tests share."""
    return f"postgresql://postgres@/postgres?host={quote(str(shared_server[1].socket_folder), safe='')}"


def project_at(folder: Path, upstream: str, database_url: str, idempotency: str = "") -> Path:
    """Write a project that keeps its answers there."""
    project = write_project(folder / "project", upstream)
    (project / "buttress.yaml").write_text(
        f'storage: {{database_url: "{database_url}"}}\n'
        "models: {attempts_per_rung: 1, breaker: {failures: 1000}}\n"
        f"access: {{idempotency: {{store_timeout_s: 20, open_timeout_s: 20{idempotency}}}}}\n"
    )
    return project


@pytest.fixture
def project(tmp_path: Path, upstream: ScriptedUpstream, url: str) -> Path:
    """The project of these tests."""
    return project_at(tmp_path, upstream.url, url)


async def ask(server: Serving, door: Door, key: str | None, *, stream: bool = False, say: str = "Hi?") -> Got:
    """Ask the model `scripted`."""
    headers = {} if key is None else {"Idempotency-Key": key}
    body = request_of(door, "scripted", stream=stream, question=say)
    async with server.session.post(server.url + PATHS[door], json=body, headers=headers) as response:
        return Got(response.status, response.headers, await response.read())


async def test_at_every_door_an_answer_is_given_again_byte_for_byte_and_asked_for_once(
    project: Path, upstream: ScriptedUpstream
) -> None:
    keys = {way: new_key() for way in WAYS}
    async with serving(project) as server:
        first = {way: await ask(server, way[0], keys[way], stream=way[1]) for way in WAYS}
        second = {way: await ask(server, way[0], keys[way], stream=way[1]) for way in WAYS}
    async with serving(project) as server:  # another process, or the same one after its start
        third = {way: await ask(server, way[0], keys[way], stream=way[1]) for way in WAYS}
    assert len(upstream.received) == len(WAYS)
    for way in WAYS:
        assert (first[way].status, first[way].is_replayed) == (200, False)
        assert b"Hello" in first[way].body
        for one in (second[way], third[way]):
            assert one.is_replayed
            assert (one.status, one.body) == (first[way].status, first[way].body)
            assert {*one.headers.items()} - {*first[way].headers.items()} == {("idempotent-replayed", "true")}


async def test_a_feature_is_answered_once_too(project: Path, upstream: ScriptedUpstream) -> None:
    key = {"Idempotency-Key": new_key()}
    body = {"input": {"question": "Hi?"}, "user": "ada", "stream": True}
    async with serving(project) as server:
        told = []
        for _ in range(2):
            async with server.session.post(
                f"{server.url}/v1/features/chat", json=body, headers=key
            ) as response:
                told.append(await response.read())
    assert told[0] == told[1]
    assert len(upstream.received) == 1


async def test_many_at_once_are_one(project: Path, upstream: ScriptedUpstream) -> None:
    key = new_key()
    async with serving(project) as server, asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(server, "chat", key)) for _ in range(20)]
        others = [group.create_task(ask(server, "chat", None)) for _ in range(3)]
        await asyncio.wait([*tasks, *others])
    assert {(one.result().status, one.result().body) for one in tasks} == {(200, tasks[0].result().body)}
    assert sum(one.result().is_replayed for one in tasks) == 19
    assert len(upstream.received) == 4


async def test_the_key_of_another_request_is_refused(project: Path, upstream: ScriptedUpstream) -> None:
    key = new_key()
    async with serving(project) as server:
        await ask(server, "chat", key)
        other = await ask(server, "chat", key, say="Something else?")
        elsewhere = await ask(server, "messages", key)
    assert (other.status, other.error["code"]) == (422, "access.idempotency_mismatch")
    assert other.headers["x-should-retry"] == "false"
    assert elsewhere.status == 200  # what a key stands for at one door it does not at another
    assert len(upstream.received) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_what_failed_may_be_asked_again(url: str, tmp_path: Path, *, stream: bool) -> None:
    key = new_key()
    script = [Reply(status=500), Reply(ending="cut", after=1), Reply()]
    async with ScriptedUpstream(script) as upstream:
        project = project_at(tmp_path, upstream.url, url)
        async with serving(project) as server:
            tries = [await ask(server, "chat", key, stream=stream) for _ in range(4)]
    assert tries[0].status >= 500
    if stream:
        assert b"models.stream_cut" in tries[1].body
        assert (tries[2].is_replayed, tries[3].is_replayed) == (False, True)
    whole = [one for one in tries if one.status == 200 and b"error" not in one.body]
    assert len({one.body for one in whole}) == 1


async def test_a_refusal_that_the_request_has_earned_stays(project: Path, upstream: ScriptedUpstream) -> None:
    headers = {"Idempotency-Key": new_key()}
    async with serving(project) as server:
        seen = []
        for _ in range(2):
            async with server.session.post(
                f"{server.url}/v1/chat/completions", data=b'{"model": 7}', headers=headers
            ) as response:
                seen.append(
                    (response.status, await response.read(), response.headers.get("idempotent-replayed"))
                )
    assert seen[0][:2] == seen[1][:2]
    assert (seen[0][0], seen[0][2], seen[1][2]) == (400, None, "true")
    assert upstream.received == []


async def test_who_hangs_up_finds_the_whole_answer_later(url: str, tmp_path: Path) -> None:
    key = new_key()
    words = tuple(f"word{number} " for number in range(20))
    async with ScriptedUpstream([Reply(chunks=words, chunk_delay_s=0.02)]) as upstream:
        project = project_at(tmp_path, upstream.url, url)
        async with serving(project) as server:
            body = request_of("chat", "scripted", stream=True)
            async with (
                aiohttp.ClientSession() as session,
                session.post(
                    server.url + PATHS["chat"], json=body, headers={"Idempotency-Key": key}
                ) as response,
            ):
                await response.content.readany()
                response.close()
            whole = await ask(server, "chat", key, stream=True)
    assert whole.is_replayed
    assert b"word0 " in whole.body
    assert b"[DONE]" in whole.body
    assert len(upstream.received) == 1
    assert upstream.received[0].hung_up_at is None


async def test_who_hangs_up_while_it_waits_takes_nothing_along(url: str, tmp_path: Path) -> None:
    key = new_key()
    async with ScriptedUpstream([Reply(first_delay_s=0.5)]) as upstream:
        project = project_at(tmp_path, upstream.url, url)
        async with serving(project) as server, asyncio.TaskGroup() as group:
            first = group.create_task(ask(server, "chat", key))
            await until(lambda: upstream.received)
            waiting = group.create_task(ask(server, "chat", key))
            await asyncio.sleep(0)
            waiting.cancel()
            assert (await first).status == 200
            assert (await ask(server, "chat", key)).is_replayed
    assert len(upstream.received) == 1


NO_KEYS = (
    b"Idempotency-Key: " + b"x" * 10_000,
    b"Idempotency-Key: a\0b",
    b"Idempotency-Key: a\nb",
    b"Idempotency-Key: \xc3\xbc",
    b"Idempotency-Key: a b",
    b"Idempotency-Key:",
    b"Idempotency-Key: a\r\nidempotency-key: a",
)


async def test_what_is_no_key_is_refused(project: Path, upstream: ScriptedUpstream) -> None:
    body = msgspec.json.encode(request_of("chat", "scripted", stream=False))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    async with serving(project) as server:
        for header in NO_KEYS:
            length = b"\r\nContent-Length: %d\r\n\r\n" % len(body)
            told = await send_raw(server.address, head + header + length + body)
            assert told.startswith(b"HTTP/1.1 400"), header
            assert b"access.idempotency_key_invalid" in told or b"server.no_http" in told, header
        assert (await ask(server, "chat", new_key())).status == 200
    assert len(upstream.received) == 1


async def test_without_a_database_only_a_key_is_refused(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    async with serving(project_at(tmp_path, upstream.url, CLOSED)) as server:
        refused = await ask(server, "messages", new_key())
        answered = await ask(server, "messages", None)
    assert (refused.status, refused.error["code"]) == (503, "storage.unavailable")
    assert (refused.headers["retry-after"], refused.headers["x-should-retry"]) == ("1", "true")
    assert answered.status == 200
    assert len(upstream.received) == 1


async def test_an_answer_too_long_to_be_kept_is_not_paid_for_again(
    tmp_path: Path, upstream: ScriptedUpstream, url: str
) -> None:
    key = new_key()
    project = project_at(tmp_path, upstream.url, url, ", max_answer_bytes: 10")
    async with serving(project) as server:
        first, second = await ask(server, "chat", key), await ask(server, "chat", key)
    assert (first.status, first.headers["x-buttress-idempotency"]) == (200, "not-kept")
    assert (second.status, second.error["code"]) == (409, "access.idempotency_not_kept")
    assert len(upstream.received) == 1


async def test_what_costs_nothing_needs_no_key(project: Path) -> None:
    async with (
        serving(project) as server,
        server.session.get(f"{server.url}/v1/models", headers={"Idempotency-Key": ""}) as response,
    ):
        assert response.status == 200


async def test_an_answer_that_the_stop_cuts_frees_its_key(url: str, tmp_path: Path) -> None:
    key = new_key()
    async with ScriptedUpstream([Reply(first_delay_s=30), Reply()]) as upstream:
        project = project_at(tmp_path, upstream.url, url)
        async with serving(project) as server, asyncio.TaskGroup() as group:
            task = group.create_task(ask(server, "chat", key))
            await until(lambda: upstream.received)
            server.draining.ring()
            assert (await task).status == 503
        async with serving(project) as server:
            assert (await ask(server, "chat", key)).status == 200
    assert len(upstream.received) == 2


class Wire:
    """Hears what is sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        """Hear one message."""
        self.messages.append(message)


async def test_all_but_the_end_goes_out_at_once_and_the_end_when_it_is_kept() -> None:
    wire = Wire()
    copy = Copy(wire.send, 100)
    await copy.send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await copy.send({"type": "http.response.body", "body": b"one ", "more_body": True})
    assert copy.ending("c") == Ending(claim="c", is_free=True)  # it is not whole
    await copy.send({"type": "http.response.body", "body": b"two"})
    assert [one.get("body") for one in wire.messages] == [None, b"one "]
    assert copy.ending("c") == Ending(claim="c", kept=Kept(200, ((b"a", b"b"),), b"one two"))
    await copy.send_last()
    assert [one.get("body") for one in wire.messages] == [None, b"one ", b"two"]


async def test_what_breaks_off_is_not_kept() -> None:
    copy = Copy(Wire().send, 100)
    await copy.send({"type": "http.response.start", "status": 200, "headers": []})
    await send_break(copy.send, b"it broke")
    assert copy.ending("c") == Ending(claim="c", is_free=True)


async def test_of_an_answer_that_is_too_long_nothing_is_held() -> None:
    wire = Wire()
    copy = Copy(wire.send, 5)
    await send_bytes(copy.send, b"123456")
    assert copy.ending("c") == Ending(claim="c")
    assert NOT_KEPT in msgspec.convert(wire.messages[0]["headers"], list[tuple[bytes, bytes]])


async def test_what_others_send_under_the_same_key_is_theirs(database: Database) -> None:
    key = new_key()
    everybody = [ANYBODY, Principal(tenant="other"), Principal(key="key_1"), Principal(key="key_2")]
    numbers = count()

    async def get() -> Database:
        return database

    async def answer(request: Request) -> None:
        assert await read_body(request.scope, request.receive, 100, 10) == b"{}"
        await send_bytes(request.send, b"%d" % next(numbers))

    async with Claims(get, QUICK, lambda: f"of {next(_numbers)}") as claims:
        for is_again in (False, True):
            for number, who in enumerate(everybody):
                wire = Wire()
                await answer_once(Once(asked_by(who, wire), key, b"{}"), answer, claims)
                start, end = wire.messages
                assert end["body"] == b"%d" % number
                assert (REPLAYED in msgspec.convert(start["headers"], list[tuple[bytes, bytes]])) is is_again


def asked_by(who: Principal, wire: Wire) -> Request:
    """Return a request of `who`, its body read."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope: Message = {"method": "POST", "path": "/v1/rerank", "headers": [], "query_string": b"", "state": {}}
    return Request(scope, receive, wire.send, Attention(Bell(), Bell()), who)
