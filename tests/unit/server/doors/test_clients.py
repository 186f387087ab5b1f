"""`server.doors.clients`: each dialect answers in its own words. Whole answers are in test_models."""

import msgspec
import pytest

from buttress.kernel.messages import Finished, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.folding import fold
from buttress.models.dialects.types import Told
from buttress.server.doors.clients import CHAT, MESSAGES, RESPONSES, Client

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
