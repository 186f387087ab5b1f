"""A real `buttress serve`, asked what nobody should ask: each door refuses in its own shape, none fails."""

import gzip
import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.running import serve
from tests.unit.server.serving import write_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FEATURE, CHAT, MESSAGES, RESPONSES, EMBEDDINGS = (
    "/v1/features/chat",
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/v1/embeddings",
)
HI = [{"role": "user", "content": "Hi?"}]
BODIES: Mapping[str, dict[str, object]] = {
    FEATURE: {"input": {"question": "Hi?"}},
    CHAT: {"model": "chat", "messages": HI},
    MESSAGES: {"model": "chat", "max_tokens": 9, "messages": HI},
    RESPONSES: {"model": "chat", "input": HI},
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    FEATURE: (
        *("input", "user", "tenant", "groups", "history", "conversation", "stream", "watch", "drill"),
        *("input.question", "input.extra", "unknown"),
    ),
    CHAT: (
        *("model", "messages", "stream", "stream_options", "user", "conversation", "n", "tools", "functions"),
        *("response_format", "logprobs", "modalities", "temperature", "max_tokens", "logit_bias", "unknown"),
        *("messages.0", "messages.0.role", "messages.0.content", "stream_options.include_usage"),
    ),
    MESSAGES: (
        *("model", "messages", "stream", "system", "metadata", "conversation", "tools", "mcp_servers"),
        *("output_config", "max_tokens", "thinking", "unknown", "messages.0", "messages.0.role"),
        *("messages.0.content", "metadata.user_id"),
    ),
    RESPONSES: (
        *("model", "input", "stream", "instructions", "user", "safety_identifier", "conversation", "store"),
        *("previous_response_id", "tools", "text", "include", "reasoning", "max_output_tokens", "unknown"),
        *("input.0", "input.0.type", "input.0.role", "input.0.content", "text.format"),
    ),
    EMBEDDINGS: ("model", "input", "encoding_format", "dimensions", "user", "unknown"),
}
REFUSED = {400, 404, 413, 415, 422}

texts = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    ["", "\x00", "\ud800", "chat", "user", "text", "\u202e", "yes", "x" * 5_000]
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.sampled_from([2**63, 10**400, -1]) | st.floats() | texts
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=3)
        | st.fixed_dictionaries({"type": texts, "text": inner})
        | st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "tool"]), "content": inner})
    ),
    max_leaves=8,
)


class Target(msgspec.Struct, frozen=True):
    """A server, and a body for each door that it answers with 200."""

    url: str
    bodies: dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server whose feature `chat` needs no upstream."""
    project = write_project(tmp_path_factory.mktemp("bad") / "project")
    models = project / "models.yaml"
    models.write_text(models.read_text().replace("[scripted]", "[quoting]"))
    with serve(project) as running:
        bare = Target(running.url, {})
        embedder = json.loads(told(bare, "/v1/models", None, "GET").body)["data"][-1]["id"]
        yield Target(running.url, {**BODIES, EMBEDDINGS: {"model": embedder, "input": "Hi?"}})


class Told(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    kind: str
    body: bytes


def told(server: Target, path: str, body: bytes | None, method: str = "POST", **headers: str) -> Told:
    """Ask on a connection of its own; underscores in the names of `headers` are hyphens."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        response = connection.getresponse()
        return Told(response.status, response.headers.get_content_type(), response.read())
    finally:
        connection.close()


def check_refusal(path: str, answer: Told, code: str = "") -> None:
    """Hold an error to the shape of its door: its keys, a code, a hint, no traceback."""
    assert b"Traceback" not in answer.body
    body = json.loads(answer.body)
    error = body["error"]
    keys = {
        FEATURE: ({"error"}, {"code", "message", "hint", "retryable"}),
        MESSAGES: ({"type", "error", "request_id"}, {"type", "message", "param", "code", "hint"}),
    }.get(path, ({"error"}, {"message", "type", "param", "code", "hint"}))
    assert (set(body), set(error) - {"data"}) == keys
    assert error["message"]
    assert error["hint"]
    assert error["code"] == code or (not code and error["code"] != "server.failed")


def changed(body: dict[str, object], field: str, value: object) -> bytes:
    """Return `body` as JSON with one field, or a field within a field, changed."""
    whole = json.loads(json.dumps(body))
    *above, last = [int(part) if part.isdigit() else part for part in field.split(".")]
    place = whole
    for part in above:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    place[last] = value
    return json.dumps(whole).encode()


@pytest.mark.parametrize("path", FIELDS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_field_is_answered_or_refused(
    target: Target, path: str, data: st.DataObject
) -> None:
    field, value = data.draw(st.sampled_from(FIELDS[path])), data.draw(values)
    answer = told(target, path, changed(target.bodies[path], field, value))
    assert b"server.failed" not in answer.body
    if answer.status != 200:
        assert answer.status in REFUSED, answer
        check_refusal(path, answer)


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "server.body_invalid", id="nothing"),
        pytest.param(b"{", "server.body_invalid", id="half an object"),
        pytest.param(b"[]", "server.body_invalid", id="a list"),
        pytest.param(b"null", "server.body_invalid", id="null"),
        pytest.param(b"\xff\xfe{}", "server.body_invalid", id="not UTF-8"),
        pytest.param(b'{"model": "\xc3(", "messages": []}', "server.body_invalid", id="not UTF-8 inside"),
        pytest.param(b'{"model": "\\ud800"}', "server.body_invalid", id="half a surrogate pair"),
        pytest.param(b'{"a": NaN}', "server.body_invalid", id="no number of JSON"),
        pytest.param(b"[" * 500_000, "server.body_invalid", id="deep lists"),
        pytest.param(b'{"a":' * 500_000, "server.body_invalid", id="deep objects"),
        pytest.param(b"{}" + b" " * 5_000_000, "server.body_too_large", id="too much"),
    ],
)
def test_what_is_no_request_is_refused(target: Target, path: str, body: bytes, code: str) -> None:
    answer = told(target, path, body)
    assert answer.status in {400, 413}
    check_refusal(path, answer, code)


@pytest.mark.parametrize("path", FIELDS)
def test_a_compressed_body_is_refused(target: Target, path: str) -> None:
    body = gzip.compress(json.dumps(target.bodies[path]).encode())
    answer = told(target, path, body, content_encoding="gzip")
    assert answer.status == 415
    check_refusal(path, answer, "server.body_encoded")
    plain = json.dumps(target.bodies[path]).encode()
    assert told(target, path, plain, content_encoding="identity").status == 200


@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "DELETE", "PATCH"])
def test_another_method_is_refused(target: Target, path: str, method: str) -> None:
    answer = told(target, path, None, method)
    assert answer.status == 405
    check_refusal(path, answer, "server.method_not_allowed")


@pytest.mark.parametrize("path", [*FIELDS, "/healthz", "/readyz", "/metrics", "/v1/models", "/", "/nowhere"])
def test_head_has_no_body(target: Target, path: str) -> None:
    answer = told(target, path, None, "HEAD")
    expected = 405 if path in FIELDS else 404 if path == "/nowhere" else 200
    assert (answer.status, answer.body) == (expected, b"")


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES, FEATURE])
@pytest.mark.parametrize("value", ['"yes"', '"true"', "1", "[]", "{}"])
def test_stream_is_yes_or_no(target: Target, path: str, value: str) -> None:
    body = changed(target.bodies[path], "stream", "STREAM").replace(b'"STREAM"', value.encode())
    answer = told(target, path, body)
    assert answer.status == 400
    check_refusal(path, answer, "server.body_invalid")


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_ten_thousand_messages_are_refused(target: Target, path: str) -> None:
    answer = told(
        target, path, changed(target.bodies[path], "input" if path == RESPONSES else "messages", HI * 10_000)
    )
    assert answer.status == 400
    check_refusal(path, answer, "server.body_invalid")


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_a_model_that_there_is_not_is_refused(target: Target, path: str) -> None:
    for name in ("gpt-9", "\x00", "../chat", "x" * 100_000):
        answer = told(target, path, changed(target.bodies[path], "model", name))
        assert answer.status == 404
        check_refusal(path, answer, "gateway.model_unknown")


@pytest.mark.parametrize("path", FIELDS)
def test_of_a_key_that_comes_twice_the_last_one_counts(target: Target, path: str) -> None:
    plain = json.dumps(target.bodies[path]).encode()
    assert told(target, path, b'{"stream": 7, ' + plain[1:]).status in {200, 400}
    twice = plain[:-1] + b', "model": 7, "input": 7}'
    answer = told(target, path, twice)
    assert answer.status == 400
    check_refusal(path, answer, "server.body_invalid")


@pytest.mark.parametrize("path", FIELDS)
def test_a_body_in_chunks_is_read(target: Target, path: str) -> None:
    host, port = target.url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=60)
    try:
        pieces = [bytes([one]) for one in json.dumps(target.bodies[path]).encode()]
        connection.request("POST", path, iter(pieces), encode_chunked=True)
        assert connection.getresponse().status == 200
    finally:
        connection.close()
