"""What the doors of chat formats share: they refuse alike, and tell alike what they did."""

from pathlib import Path

import pytest

from tests.unit.server.serving import Serving, serving, traces

pytestmark = pytest.mark.slow  # a server for each: seconds, all together

DOORS = ("/v1/chat/completions", "/v1/messages")
HI = {"role": "user", "content": "Hi?"}
FORM = """\
description: Takes more than a question.
input:
  type: object
  properties: {first: {type: string}, second: {type: string}}
  required: [first, second]
stages:
  - {name: shop, kind: rules, match: "{{ first }}", rules: [{function: "rules.py:answer"}]}
fallback: {kind: text, text: No.}
"""


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"model": "nobody"}, 404, "gateway.model_unknown", id="no such name"),
        pytest.param({"model": "form"}, 400, "server.field_unsupported", id="more than a question"),
        pytest.param(
            {"messages": [HI, {"role": "assistant", "content": "Yes."}]},
            400,
            "server.body_invalid",
            id="no question at the end",
        ),
        pytest.param({"conversation": "c" * 201}, 400, "server.body_invalid", id="too long an id"),
        pytest.param(
            {"messages": [{"role": "user", "content": "x" * 5_000}]},
            422,
            "gateway.input_invalid",
            id="too long a question",
        ),
    ],
)
async def test_both_refuse_alike(
    project: Path, path: str, changes: dict[str, object], status: int, code: str
) -> None:
    (project / "features" / "form").mkdir()
    (project / "features" / "form" / "feature.yaml").write_text(FORM)
    (project / "features" / "form" / "rules.py").write_text("def answer(input):\n    return None\n")
    async with serving(project) as server:
        said, error = await refused(server, path, changes)
    assert (said, error["code"]) == (status, code)
    assert error["hint"]


async def refused(server: Serving, path: str, changes: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Return the status and the error of a request with `changes`."""
    body = {"model": "chat", "messages": [HI], **changes}
    async with server.session.post(f"{server.url}{path}", json=body) as response:
        error: dict[str, object] = (await response.json())["error"]
        return response.status, error


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_both_tell_the_trace_and_what_they_did_not_heed(
    project: Path, path: str, *, stream: bool
) -> None:
    body = {"model": "chat", "messages": [HI], "stream": stream, "temperature": 1, "top_p": None}
    async with serving(project) as server:
        async with server.session.post(f"{server.url}{path}", json=body) as response:
            assert response.status == 200
            text = await response.text()
        (trace,) = traces(project)
    assert response.headers["x-buttress-trace-id"] == trace.trace_id
    assert response.headers["x-buttress-ignored"] == "temperature, top_p"
    assert text.count('"buttress":{') == 1
    assert '"history":{"sent":0,"left_out":0,"reason":""}' in text
    assert trace.user_id is None


@pytest.mark.parametrize("path", DOORS)
async def test_a_history_of_the_client_is_told_as_sent(project: Path, path: str) -> None:
    messages = [HI, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "And now?"}]
    async with serving(project) as server:
        body = {"model": "chat", "messages": messages}
        async with server.session.post(f"{server.url}{path}", json=body) as response:
            told = (await response.json())["buttress"]["history"]
    assert told == {"sent": 2, "left_out": 0, "reason": ""}
