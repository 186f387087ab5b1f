"""`server.doors.clients`: each dialect answers in its own words."""

import msgspec
import pytest

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.folding import fold
from buttress.models.dialects.types import Told
from buttress.models.errors import RequestInvalid
from buttress.server.doors.clients import CHAT, MESSAGES, RESPONSES, Client, as_invalid, read_asked
from buttress.server.errors import BodyInvalid, BodyTooLarge, Stopping

END = Finished(reason="stop", usage=Usage(input=7, output=3), model="m")
TURNS = b'"messages": [{"role": "user", "content": "Hi?"}]'
ASKED = {
    "chatcmpl-": b'{"model": "m", "stream": true, %b}' % TURNS,
    "msg_": b'{"model": "m", "max_tokens": 5, "stream": true, %b}' % TURNS,
    "resp_": b'{"model": "m", "input": "Hi?", "stream": true}',
}


@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
def test_what_is_said_stands_in_the_answer_whole_and_streamed(client: Client) -> None:
    body = client.read(ASKED[client.prefix])
    told = Told(id=f"{client.prefix}1", created=1, model="m")
    writer = client.writer(told, body)
    stream = writer.begin() + writer.write(TextDelta("Hello.")) + writer.write(END, {"a": 1})
    whole = client.whole(fold([TextDelta("Hello."), END]), told, {"a": 1}, body)
    assert b"Hello." in stream
    assert body.is_stream
    assert msgspec.json.decode(whole)["buttress"] == {"a": 1}
    assert client.prefix.encode() in whole
    assert not client.ignored(body)


@pytest.mark.parametrize(
    ("error", "openai", "anthropic"),
    [
        pytest.param(BodyInvalid("no"), "invalid_request_error", "invalid_request_error", id="a bad request"),
        pytest.param(BodyTooLarge("much"), "invalid_request_error", "request_too_large", id="too large"),
        pytest.param(Stopping("now"), "server_error", "overloaded_error", id="a server that stops"),
    ],
)
def test_an_error_has_a_kind_a_code_and_a_hint(error: ButtressError, openai: str, anthropic: str) -> None:
    for client, kind in ((CHAT, openai), (MESSAGES, anthropic), (RESPONSES, openai)):
        said = msgspec.json.decode(client.error(error))["error"]
        assert (said["type"], said["code"], said["hint"]) == (kind, error.code, error.hint)
        assert {"message", "param"} <= set(said)


@pytest.mark.parametrize("client", [CHAT, MESSAGES, RESPONSES])
def test_what_cannot_be_read_is_an_invalid_body(client: Client) -> None:
    with pytest.raises(BodyInvalid):
        read_asked(client, b"{}")
    told = as_invalid(RequestInvalid("n: no", hint="Send less.", data={"param": "n"}))
    assert (told.message, told.hint, told.data) == ("n: no", "Send less.", {"param": "n"})


@pytest.mark.parametrize(
    ("client", "more", "user"),
    [
        pytest.param(CHAT, b'"user": "ada"', "ada", id="chat"),
        pytest.param(CHAT, b'"safety_identifier": "ada"', "ada", id="chat, by the newer field"),
        pytest.param(CHAT, b'"user": ""', None, id="an empty one is nobody"),
        pytest.param(MESSAGES, b'"metadata": {"user_id": "ada", "more": 1}', "ada", id="messages"),
        pytest.param(RESPONSES, b'"user": "ada"', "ada", id="responses"),
        pytest.param(RESPONSES, b'"safety_identifier": "ada"', "ada", id="responses, by the newer field"),
    ],
)
def test_who_asks_is_read(client: Client, more: bytes, user: str | None) -> None:
    assert client.read(b"{%b, %b" % (more, ASKED[client.prefix][1:])).user == user


HEADERS = [
    (b"x-api-key", b"k"),
    (b"anthropic-beta", b"a-1"),
    (b"anthropic-version", b"2023-06-01"),
    (b"anthropic-beta", b"b-2"),
]


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        pytest.param(
            MESSAGES, {"anthropic-version": "2023-06-01", "anthropic-beta": "a-1,b-2"}, id="Anthropic"
        ),
        pytest.param(CHAT, {}, id="OpenAI's have none"),
        pytest.param(RESPONSES, {}, id="nor here"),
    ],
)
def test_only_the_headers_of_a_dialect_are_kept(client: Client, headers: dict[str, str]) -> None:
    assert read_asked(client, ASKED[client.prefix], HEADERS).headers == headers


@pytest.mark.parametrize("value", [b"x" * 2_049, b"a\x00b", "é".encode()])
def test_a_header_that_is_too_long_or_no_text_is_refused(value: bytes) -> None:
    with pytest.raises(BodyInvalid, match="anthropic-beta"):
        read_asked(MESSAGES, ASKED["msg_"], [(b"anthropic-beta", value)])
