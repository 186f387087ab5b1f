"""A feature's answer in each dialect."""

import msgspec
import pytest

from buttress.gateway.types import Began, Cited, Ended, Event, History, LeftOut, Mapped, Progressed, Text
from buttress.kernel.ids import TraceId
from buttress.server.doors.clients import CHAT, MESSAGES, RESPONSES, Client
from buttress.server.doors.speaking import Speaker
from buttress.server.errors import Stopping
from tests.unit.cli.test_printing import a_citation, an_answer

CLIENTS = [pytest.param(one, id=one.prefix) for one in (CHAT, MESSAGES, RESPONSES)]
ANSWER = an_answer(text="Hello.", citations=(a_citation(1),))
EVENTS: tuple[Event, ...] = (Began(TraceId("tr_1")), Text("Hello."), Cited(a_citation(1)), Ended(ANSWER))
ASKED = b"""{"model": "chat", "stream_options": {"include_usage": true}, "input": "Hi?",
"messages": [{"role": "user", "content": "Hi?"}]}"""


def speaker_of(client: Client) -> Speaker:
    return Speaker(client, client.read(ASKED), created=7)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_whole_answer_holds_what_is_ours(client: Client) -> None:
    said = msgspec.json.decode(speaker_of(client).whole(ANSWER))
    assert (said["id"], said["model"]) == (f"{client.prefix}tr_1", "chat")
    assert "Hello." in str(said)
    assert said["buttress"]["release"] == ANSWER.release_id
    assert said["buttress"]["citations"][0]["document"] == ANSWER.citations[0].document


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_ends_with_what_is_ours(client: Client) -> None:
    speaker = speaker_of(client)
    chunks = [chunk for event in EVENTS for chunk in speaker.chunks(event)]
    assert f"{client.prefix}tr_1".encode() in chunks[0]
    assert b"Hello." in chunks[1]
    assert [b'"buttress":{' in chunk for chunk in chunks] == [False, False, True]
    assert b"1234" in chunks[-1] or b'"input_tokens":1000' in chunks[-1]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_became_of_turns_and_of_a_long_text_is_told_in_our_own_words(client: Client) -> None:
    history = History(sent=4, summarised=20, recollected=2, left_out=7)
    mapped = Mapped(pieces=40, kept=30, left_out=(LeftOut("pages 12-14", "models.timeout"),))
    answer = msgspec.structs.replace(ANSWER, history=history, mapped=mapped)
    said = msgspec.json.decode(speaker_of(client).whole(answer))["buttress"]
    assert said["history"] == msgspec.to_builtins(history)
    assert said["mapped"]["left_out"] == [{"place": "pages 12-14", "reason": "models.timeout"}]
    last = [*speaker_of(client).chunks(Began(TraceId("tr_1"))), *speaker_of(client).chunks(Ended(answer))][-1]
    assert b'"summarised":20' in last
    assert not list(speaker_of(client).chunks(Progressed("pieces", 1, 2)))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_that_broke_off_ends_with_an_error(client: Client) -> None:
    speaker = speaker_of(client)
    [*_, _text] = [chunk for event in EVENTS[:2] for chunk in speaker.chunks(event)]
    end = speaker.broken(Stopping("it stops"))
    assert b'"code":"server.stopping"' in end
    assert not any(sign in end for sign in (b"[DONE]", b"message_stop", b"response.completed"))
