"""`models.dialects.known`."""

import pytest

from buttress.kernel.messages import Message
from buttress.models.dialects.chat import request_in as chat
from buttress.models.dialects.known import read_request
from buttress.models.dialects.messages import request_in as messages
from buttress.models.dialects.responses import request_in as responses
from buttress.models.dialects.types import Body

TURNS = b'"messages": [{"role": "user", "content": "Hi?"}]'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(chat.read_body(b'{"model": "m", %b}' % TURNS), id="chat"),
        pytest.param(messages.read_body(b'{"model": "m", "max_tokens": 5, %b}' % TURNS), id="messages"),
        pytest.param(responses.read_body(b'{"model": "m", "input": "Hi?"}'), id="responses"),
    ],
)
def test_each_is_read_in_its_own_way(body: Body) -> None:
    assert read_request(body).messages == (Message("user", "Hi?"),)
