"""Keys over HTTP, with two workers: what each lets in, what a foreign one learns, and when one is over."""

import asyncio
import base64
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
import pytest

from buttress.client.errors import BadAddress, CallRefused
from buttress.client.http import Client
from tests.flows.running import Served, buttress, serve
from tests.unit.server.serving import write_project
from tests.waiting import until, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Json = dict[str, object]
OPEN: Json = {"input": {"question": "When do you open?"}}
"""What a rule answers, without a model."""


class Project(msgspec.Struct, frozen=True):
    """A project that is served, and the keys that were made for it."""

    served: Served
    admin: str
    acme: str
    """Of a program for the tenants acme and globex, and the feature `chat` only."""
    ada: str
    """Of the user ada of acme, for everything."""


def new_key(project: Path, *options: str) -> str:
    made = buttress(project, "keys", "create", *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = write_project(tmp_path_factory.mktemp("keys") / "project")
    with serve(folder, "--workers", "2") as served:
        status, answer = asyncio.run(ask(served, "/v1/features/chat", OPEN))
        assert (status, answer["text"]) == (200, "We open at nine.")  # no key was made yet
        admin = new_key(folder, "operator", "--role", "admin")
        acme = new_key(folder, "shop", "--tenant", "acme", "--tenant", "globex", "--feature", "chat")
        ada = new_key(folder, "ada", "--tenant", "acme", "--user", "ada", "--group", "staff")
        for text in (admin, acme, ada):
            wait_until(partial(is_known, served, text), 20, "all workers know it")
        yield Project(served, admin, acme, ada)


async def send(
    served: Served, path: str, body: Json | None, key: str | None, method: str | None = None
) -> tuple[int, str, dict[str, str]]:
    """Ask on a connection of its own: the system gives it to any of the workers."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
        session.request(
            method or ("POST" if body is not None else "GET"), served.url + path, json=body, headers=headers
        ) as response,
    ):
        return response.status, await response.text(), dict(response.headers)


async def ask(
    served: Served, path: str, body: Json | None = None, key: str | None = None
) -> tuple[int, Json]:
    status, text, _ = await send(served, path, body, key)
    return status, msgspec.json.decode(text, type=Json)


def is_known(served: Served, key: str) -> bool:
    """Say whether every one of some connections is let in: whichever worker they come to."""

    async def statuses() -> set[int]:
        return {(await ask(served, "/v1/models", key=key))[0] for _ in range(12)}

    return asyncio.run(statuses()) == {200}


async def test_without_a_key_nothing_is_told_but_that_it_lives(project: Project) -> None:
    served = project.served
    for path in ("/healthz", "/readyz", "/assets/page.js"):
        assert (await send(served, path, None, None))[0] == 200
    for path in ("/v1/models", "/metrics", "/", "/api/openapi.json", "/api/keys", "/nothing"):
        status, text, headers = await send(served, path, None, None)
        assert (status, "access.key_missing" in text) == (401, True), path
        assert "www-authenticate" in {name.lower() for name in headers}
    status, said = await ask(served, "/v1/features/chat", OPEN, "bk_000000000000_" + "0" * 38)
    assert (status, code(said)) == (401, "access.key_unknown")


def code(said: Json) -> str:
    error = said["error"]
    assert isinstance(error, dict)
    return str(error["code"])


NAMES = ("support", "quotes", "quoting", "nothing")
"""A feature, a ladder, a model, and what there is not: all out of scope."""

TURNS = [{"role": "user", "content": "When do you open?"}]


def asking(name: str) -> dict[str, Json]:
    """Return a request for `name` at every path that takes one."""
    return {
        f"/v1/features/{name}": OPEN,
        "/v1/chat/completions": {"model": name, "messages": TURNS},
        "/v1/messages": {"model": name, "messages": TURNS, "max_tokens": 5},
        "/v1/responses": {"model": name, "input": "When do you open?"},
        "/v1/embeddings": {"model": name, "input": "a"},
        "/v1/rerank": {"model": name, "query": "a", "documents": ["b"]},
    }


async def test_a_key_learns_nothing_of_what_it_is_not_for(project: Project) -> None:
    """The same words for what there is and for what there is not."""
    said: dict[str, set[str]] = {}
    for name in NAMES:
        for path, body in asking(name).items():
            status, text, _ = await send(project.served, path, body, project.acme)
            assert status == 403, (path, text)
            assert project.acme not in text
            said.setdefault(path.replace(name, "NAME"), set()).add(text.replace(name, "NAME"))
        status, text, _ = await send(project.served, f"/v1/models/{name}", None, project.acme)
        said.setdefault("/v1/models/", set()).add(f"{status}{text.replace(name, 'NAME')}")
    assert {path: len(words) for path, words in said.items()} == dict.fromkeys(said, 1)


async def test_each_client_is_refused_in_its_own_dialect(project: Project) -> None:
    bodies = asking("support")
    _, chat = await ask(project.served, "/v1/chat/completions", bodies["/v1/chat/completions"], project.acme)
    _, messages = await ask(project.served, "/v1/messages", bodies["/v1/messages"])
    assert msgspec.convert(chat["error"], Json)["type"] == "permission_error"
    assert messages["type"] == "error"
    assert msgspec.convert(messages["error"], Json)["type"] == "authentication_error"


async def test_a_key_sees_only_what_it_is_for(project: Project) -> None:
    served, key = project.served, project.acme
    _, listed = await ask(served, "/v1/models", key=key)
    assert [one["id"] for one in msgspec.convert(listed["data"], list[Json])] == ["chat"]
    assert (await ask(served, "/v1/models/chat", key=key))[0] == 200
    for path in ("/", "/api/openapi.json"):
        status, text, _ = await send(served, path, None, key)
        assert (status, "chat" in text, "/v1/features/support" in text) == (200, True, False)
    for path in ("/metrics", "/api/keys", "/api/keys/000000000000", "/api/alerts"):
        assert (await ask(served, path, key=key))[1]["error"]
        assert (await send(served, path, None, key))[0] == 403
    for path in ("/api/keys", "/api/keys/000000000000/rotate", "/api/keys/000000000000/revoke"):
        assert (await send(served, path, {"name": "mine"}, key))[0] == 403
    document = "/api/documents/any?knowledge=handbook&start=0&end=9"
    assert (await send(served, document, None, key))[0] == 404


async def test_a_browser_may_send_a_key_as_a_password(project: Project) -> None:
    sent = base64.b64encode(f"anybody:{project.acme}".encode()).decode()
    async with (
        aiohttp.ClientSession(headers={"authorization": f"Basic {sent}"}) as session,
        session.get(project.served.url) as page,
        session.post(f"{project.served.url}/v1/features/chat", json=OPEN) as answer,
    ):
        assert (page.status, answer.status) == (200, 200)


async def test_a_key_asks_in_the_name_of_its_own_tenants_only(project: Project) -> None:
    for tenant, expected in ((None, 200), ("acme", 200), ("globex", 200), ("default", 403), ("initech", 403)):
        body = OPEN if tenant is None else OPEN | {"tenant": tenant}
        assert (await ask(project.served, "/v1/features/chat", body, project.acme))[0] == expected
    for groups, expected in (([], 200), (["staff"], 200), (["board"], 403)):
        body = OPEN | {"groups": groups}
        assert (await ask(project.served, "/v1/features/chat", body, project.ada))[0] == expected


def test_our_own_client_sends_a_key(project: Project) -> None:
    question = {"question": "When do you open?"}
    assert Client(project.served.url, key=project.acme).ask("chat", question).text == "We open at nine."
    with pytest.raises(CallRefused, match="no key"):
        Client(project.served.url).ask("chat", question)
    with pytest.raises(BadAddress) as raised:
        Client(project.served.url, key="bk_a\nb")
    assert "bk_a" not in str(raised.value)


async def test_the_trace_tells_whose_call_it_was(project: Project) -> None:
    body = OPEN | {"user": "ben"}
    _, answer = await ask(project.served, "/v1/features/chat", body, project.ada)
    words = ("trace", "show", str(answer["trace_id"]), "--tenant", "acme", "--json")
    said = ""

    async def is_stored() -> bool:
        nonlocal said
        said = (await asyncio.to_thread(buttress, project.served.project, *words)).stdout
        return bool(said)

    await until(is_stored, 60)  # a worker hands its traces over once a second or so
    trace = msgspec.json.decode(said, type=Json)
    assert (trace["tenant"], trace["user_id"]) == ("acme", "ada")
    assert project.ada.split("_")[2] not in said


async def test_a_key_sees_the_money_of_its_own_tenants(project: Project) -> None:
    served = project.served
    for key in (project.admin, project.ada, project.acme):
        assert (await ask(served, "/v1/features/chat", OPEN, key))[0] == 200

    async def groups(key: str, by: str) -> set[str]:
        status, said = await ask(served, f"/api/spend?by={by}&days=1", key=key)
        assert status == 200, said
        return {
            str(msgspec.convert(one["of"], Json)[by]) for one in msgspec.convert(said["groups"], list[Json])
        }

    async def is_told() -> bool:
        is_all_told = {"default", "acme"} <= await groups(project.admin, "tenant")
        return (
            is_all_told
            and bool(await groups(project.ada, "tenant"))
            and bool(await groups(project.acme, "key"))
        )

    await until(is_told, 60)
    assert await groups(project.ada, "tenant") == {"acme"}
    assert await groups(project.ada, "user") == {"ada"}
    assert await groups(project.acme, "key") == {project.acme.split("_")[1]}
    for key, status in ((project.ada, 403), (project.acme, 403), (project.admin, 200)):
        assert (await send(served, "/api/spend?tenant=default", None, key))[0] == status
        assert (await ask(served, "/api/budgets", key=key))[1] == {"accounts": []}
    assert (await send(served, "/api/budgets", None, None))[0] == 401


async def test_an_admin_makes_rotates_and_revokes_keys_over_http(project: Project) -> None:
    served, admin = project.served, project.admin
    status, made = await ask(served, "/api/keys", {"name": "short-lived", "role": "reviewer"}, admin)
    first = str(made["key"])
    assert (status, first.startswith("bk_"), made["state"]) == (201, True, "active")
    _, turned = await ask(served, f"/api/keys/{made['id']}/rotate", {"grace_s": 3_600}, admin)
    second = str(turned["key"])
    for text in (first, second):
        await becomes(served, text, 200)
    _, over = await ask(served, f"/api/keys/{made['id']}/revoke", {}, admin)
    assert over["state"] == "revoked"
    for text in (first, second):
        await becomes(served, text, 401)
    status, text, _ = await send(served, "/api/keys", None, admin)
    assert (status, str(made["id"]) in text) == (200, True)
    assert not any(one.split("_")[2] in text for one in (first, second, admin, project.acme))
    assert (await ask(served, "/api/keys", {"name": "x", "tenants": []}, admin))[0] == 400
    assert (await ask(served, "/api/keys/000000000000", key=admin))[0] == 404
    assert (await send(served, f"/api/keys/{made['id']}/revoke", None, admin))[0] == 405


async def becomes(served: Served, key: str, status: int) -> None:
    """Wait until every worker answers a key with `status`; a second at most where nothing is slow."""

    async def is_so() -> bool:
        return {(await ask(served, "/v1/models", key=key))[0] for _ in range(8)} == {status}

    await until(is_so, 20)


def test_no_log_and_no_file_holds_a_key(project: Project) -> None:
    secrets = [one.split("_")[2].encode() for one in (project.admin, project.acme, project.ada)]
    kept = project.served.project / ".buttress"
    read = {path.name: content for path in kept.rglob("*") if (content := content_of(path))}
    assert {"key_secret", "keys.json"} <= read.keys()
    assert [name for name, content in read.items() if any(secret in content for secret in secrets)] == []


def content_of(path: Path) -> bytes:
    """Return what is in a file; nothing where it is none of ours, or gone meanwhile."""
    if "postgres" in path.parts or not path.is_file():
        return b""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
