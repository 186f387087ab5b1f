"""The routes of the demo page, over a real socket."""

from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from buttress.app.buttress import Buttress
from buttress.console.demo import POLICY
from buttress.knowledge.types import document_id
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.server.serving import Serving, events_of, serving, traces, write_project

pytestmark = pytest.mark.slow

KILL = "/api/drills/kill-model"
STAFF = "A secret is 42.\n"


async def code_of(response: aiohttp.ClientResponse) -> tuple[int, str]:
    """Return the status and the code of an error."""
    body = await response.json()
    return response.status, body["error"]["code"]


async def test_the_page_and_its_assets_come_under_the_policy(tmp_path: Path) -> None:
    async with serving(write_project(tmp_path)) as server:
        for path, kind in (
            ("/", "text/html"),
            ("/assets/page.js", "text/javascript"),
            ("/assets/answer.js", "text/javascript"),
            ("/assets/page.css", "text/css"),
            ("/assets/mark.svg?v=1", "image/svg+xml"),
        ):
            async with server.session.get(f"{server.url}{path}") as response:
                assert (response.status, response.content_type) == (200, kind)
                assert response.headers["content-security-policy"] == POLICY
                assert response.headers["x-content-type-options"] == "nosniff"
                assert len(await response.read()) > 100


async def test_only_what_is_asked_for_by_its_version_may_grow_old(tmp_path: Path) -> None:
    async with serving(write_project(tmp_path)) as server:
        for path, caching in (
            ("/", "no-store"),
            ("/assets/page.js?v=1", "public, max-age=3600"),
            ("/assets/answer.js", "no-cache"),  # a module asks for another one by its name alone
        ):
            async with server.session.get(f"{server.url}{path}") as response:
                assert response.headers["cache-control"] == caching


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("POST", "/", (405, "server.method_not_allowed"), id="the page is read"),
        pytest.param("GET", "/assets/..%2fdemo.py", (404, "server.route_unknown"), id="assets are a list"),
        pytest.param("GET", "/assets/", (404, "server.route_unknown"), id="not a folder"),
        pytest.param("POST", KILL, (404, "server.route_unknown"), id="drills are off"),
        pytest.param("GET", "/api/documents/x", (400, "server.query_invalid"), id="no place"),
        pytest.param(
            "GET", "/api/documents/x?knowledge=a&start=-1&end=2", (400, "server.query_invalid"), id="below 0"
        ),
        pytest.param(
            "GET", "/api/documents/x?knowledge=a&start=1&end=b", (400, "server.query_invalid"), id="no number"
        ),
        pytest.param(
            "GET",
            "/api/documents/x?knowledge=%ff&start=1&end=2",
            (400, "server.query_invalid"),
            id="no UTF-8",
        ),
    ],
)
async def test_what_is_refused(tmp_path: Path, method: str, path: str, expected: tuple[int, str]) -> None:
    async with (
        serving(write_project(tmp_path)) as server,
        server.session.request(method, URL(f"{server.url}{path}", encoded=True)) as response,
    ):
        assert await code_of(response) == expected


@pytest.mark.slow
async def test_a_citation_is_shown_in_its_document_and_only_to_who_may_read_it(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    (project / "staff").mkdir()
    (project / "staff" / "secret.md").write_text(STAFF)
    sources = "  - {folder: documents, readers: ['*']}\n  - {folder: staff, readers: ['group:staff']}\n"
    (project / "knowledge" / "handbook.yaml").write_text(f"sources:\n{sources}")
    other = "tenant: acme\nsources:\n  - {folder: documents, readers: ['*']}\n"
    (project / "knowledge" / "other.yaml").write_text(other)
    async with Buttress.open(project) as buttress:
        await buttress.ingest()
    async with serving(project) as server:
        async with server.ask("When is a first payment refunded?", feature="support") as response:
            citation = (await response.json())["citations"][0]
        place = {"knowledge": "handbook", "start": citation["start"], "end": citation["end"]}
        async with _document(server, citation["document_id"], place) as response:
            found = await response.json()
        parts = [part for block in found["blocks"] for part in block["parts"]]
        assert [part["text"] for part in parts if part["cited"]] == [citation["quote"]]
        assert found["document"] == "refunds.md"
        assert [block["kind"] for block in found["blocks"]] == ["heading", "paragraph"]

        async with server.session.get(f"{server.url}{citation['link']}") as response:
            page = await response.text()
            assert response.headers["content-security-policy"] == POLICY
        assert f'<mark id="cited">{citation["quote"]}</mark>' in page
        assert f">{citation['place']}<" in page

        body = {"input": {"question": "What is a secret?"}, "groups": ["staff"]}
        async with server.session.post(f"{server.url}/v1/features/support", json=body) as response:
            secret = next(
                one for one in (await response.json())["passages"] if one["document"] == "secret.md"
            )
        for document, knowledge in (
            (secret["document_id"], "handbook"),
            (document_id("other", "documents", "refunds.md"), "other"),
            ("no such\x00document", "handbook"),
        ):
            async with _document(server, document, place | {"knowledge": knowledge}) as response:
                assert await code_of(response) == (404, "server.document_unknown")
            link = f"{server.url}/documents/{quote(document)}?start=0&end=9"
            async with server.session.get(link) as response:
                assert await code_of(response) == (404, "server.document_unknown")


def _document(
    server: Serving, document: str, place: dict[str, object]
) -> "aiohttp.client._RequestContextManager":
    params = {name: str(value) for name, value in place.items()}
    return server.session.get(f"{server.url}/api/documents/{quote(document)}", params=params)


async def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    url = "postgresql://nobody@127.0.0.1:1/none"
    (project / "buttress.yaml").write_text(f"storage: {{database_url: '{url}', connect_timeout_s: 1}}\n")
    async with (
        serving(project) as server,
        _document(server, "d", {"knowledge": "handbook", "start": 0, "end": 1}) as response,
    ):
        status, code = await code_of(response)
    assert (status, code) == (503, "storage.unavailable")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            {"content-type": "application/json"}, (409, "server.nothing_to_kill"), id="there is no model"
        ),
        pytest.param({"content-type": "text/plain"}, (403, "server.cross_site"), id="a form of any site"),
        pytest.param(
            {"content-type": "application/json", "sec-fetch-site": "cross-site"},
            (403, "server.cross_site"),
            id="another site",
        ),
    ],
)
async def test_killing_is_for_the_page(
    tmp_path: Path, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    async with (
        serving(write_project(tmp_path), drills="true") as server,
        server.session.post(f"{server.url}{KILL}", data=b"{}", headers=headers) as response,
    ):
        assert await code_of(response) == expected


async def test_who_watches_sees_the_steps(tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream, serving(write_project(tmp_path, upstream.url)) as server:
        body = {"input": {"question": "Hi?"}, "stream": True, "watch": True}
        async with server.session.post(f"{server.url}/v1/features/chat", json=body) as response:
            names = [name for name, _ in await events_of(response)]
    assert names[:2] == ["began", "stepped"]
    assert names.index("stepped") < names.index("text") < names.index("ended")


async def test_a_drill_is_refused_where_it_is_not_allowed(tmp_path: Path) -> None:
    body = {"input": {"question": "Hi?"}, "drill": "cut"}
    async with (
        serving(write_project(tmp_path)) as server,
        server.session.post(f"{server.url}/v1/features/chat", json=body) as response,
    ):
        assert await code_of(response) == (403, "server.drills_off")


async def test_a_drill_cuts_this_call_and_no_other(tmp_path: Path) -> None:
    long = ScriptedUpstream([Reply(chunks=("One is said. ", "x" * 130, " Two is said. ", "Three is said."))])
    async with long as upstream, serving(write_project(tmp_path, upstream.url), drills="true") as server:
        outcomes = []
        for drill in ("cut", None):
            body = {"input": {"question": "Hi?"}, "drill": drill}
            async with server.session.post(f"{server.url}/v1/features/chat", json=body) as response:
                answer = await response.json()
            outcomes.append((answer["outcome"], answer["reason"]))
        told = [one.tags for one in traces(server.project)]
    assert outcomes == [("fallback", "models.stream_cut"), ("answered", "")]
    assert told == [{"drill": "cut"}, {}]
