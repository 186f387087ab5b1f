"""The official clients that block, for programs that are not asyncio."""

import pytest
from anthropic import Anthropic
from openai import OpenAI
from openai.types.responses import ResponseCompletedEvent

from tests.flows.clients import ANTHROPIC, GEMINI, OPENAI, Stage
from tests.flows.golden import Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SAID = Turn(thinking="They want the weather.", text="It is mild in both: 18 °C, and 24 °C.")


def test_chat_completions_are_asked_and_streamed(stage: Stage) -> None:
    stage.play(SAID, SAID)
    with OpenAI(base_url=f"{stage.url}/v1", api_key="none yet") as client:
        whole = client.chat.completions.create(model=ANTHROPIC, messages=[{"role": "user", "content": "Hi?"}])
        stream = client.chat.completions.create(
            model=GEMINI, messages=[{"role": "user", "content": "Hi?"}], stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert whole.choices[0].message.content == text == SAID.text


def test_responses_are_asked_and_streamed(stage: Stage) -> None:
    stage.play(SAID, SAID)
    with OpenAI(base_url=f"{stage.url}/v1", api_key="none yet") as client:
        whole = client.responses.create(model=ANTHROPIC, input="Hi?")
        events = list(client.responses.create(model=GEMINI, input="Hi?", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert isinstance(events[-1], ResponseCompletedEvent)
    assert whole.output_text == events[-1].response.output_text == SAID.text


def test_messages_are_asked_and_streamed(stage: Stage) -> None:
    stage.play(SAID, SAID, SAID)
    with Anthropic(base_url=stage.url, api_key="none yet") as client:
        whole = client.messages.create(
            model=OPENAI, max_tokens=500, messages=[{"role": "user", "content": "Hi?"}]
        )
        events = list(
            client.messages.create(
                model=ANTHROPIC, max_tokens=500, messages=[{"role": "user", "content": "Hi?"}], stream=True
            )
        )
        with client.messages.stream(
            model=GEMINI, max_tokens=500, messages=[{"role": "user", "content": "Hi?"}]
        ) as stream:
            text = "".join(stream.text_stream)
    assert "".join(block.text for block in whole.content if block.type == "text") == text == SAID.text
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
