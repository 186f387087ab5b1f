"""What a question over HTTP may hold."""

import pytest

from buttress.gateway.types import Asked
from buttress.kernel.messages import Message
from buttress.kernel.principal import ANYBODY, Principal
from buttress.server.doors.features import read_question
from buttress.server.errors import BodyInvalid


def test_a_question_is_put_as_it_may_have_worked() -> None:
    body = b"""{"input": {"question": "Why?"}, "user": "ada", "tenant": "acme", "groups": ["staff"],
    "history": [{"role": "user", "content": "Hi."}], "conversation": "c1", "watch": true}"""
    assert read_question(body).asked("support", ANYBODY) == Asked(
        feature="support",
        input={"question": "Why?"},
        user="ada",
        tenant="acme",
        groups=("staff",),
        history=(Message("user", "Hi."),),
        conversation="c1",
        watched=True,
    )


def test_who_a_key_stands_for_is_not_for_a_request_to_say() -> None:
    key = Principal(key="k1", tenant="acme", user="ada", groups=("staff",), tags={"team": "growth"})
    asked = read_question(b'{"input": {}, "user": "ben"}').asked("support", key)
    assert asked == Asked(
        feature="support",
        input={},
        tenant="acme",
        user="ada",
        groups=("staff",),
        key="k1",
        tags={"team": "growth"},
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b'{"input": 7}', id="an input that is no object"),
        pytest.param(b'{"input": {}, "user": ""}', id="a user without a name"),
        pytest.param(b'{"input": {}, "tenant": "a\\u0000b"}', id="a control character"),
        pytest.param(b'{"input": {}, "drill": "melt"}', id="a drill that there is not"),
        pytest.param(b'{"input": {}, "more": 1}', id="more than is taken"),
        pytest.param(b'{"input": ' + b"[" * 9_999, id="nested too deeply"),
        pytest.param(b"\xff", id="no text"),
    ],
)
def test_what_is_no_question(body: bytes) -> None:
    with pytest.raises(BodyInvalid):
        read_question(body)
