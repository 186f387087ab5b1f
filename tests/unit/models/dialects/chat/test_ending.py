"""Whether an answer ended, and why. The way of a stream is in test_reading."""

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import FinishReason
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.ending import Ending
from buttress.models.dialects.chat.usage import Counted

MODEL = Model(name="big", id="gpt-x", provider="openai")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        pytest.param("stop", "stop", id="stop"),
        pytest.param("length", "length", id="length"),
        pytest.param("max_tokens", "length", id="length in Anthropic's words"),
        pytest.param("model_length", "length", id="length in Mistral's words"),
        pytest.param("content_filter", "content_filter", id="filtered"),
        pytest.param("function_call", "tool_calls", id="the old name"),
        pytest.param("eos_token", "stop", id="unknown"),
    ],
)
def test_reasons_are_translated(told: str, reason: FinishReason) -> None:
    ending = Ending(MODEL)
    ending.stop(told)
    assert ending.done().reason == reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [("stop", "tool_calls"), ("length", "length"), ("content_filter", "content_filter")],
)
def test_an_answer_that_calls_tools_says_so(told: str, reason: FinishReason) -> None:
    """vLLM, llama.cpp and OpenAI (with a named tool) say `stop` after a tool call."""
    ending = Ending(MODEL)
    ending.speak(calls=True)
    ending.stop(told)
    assert ending.done().reason == reason


def test_a_refusal_goes_before_any_reason() -> None:
    ending = Ending(MODEL)
    ending.stop("stop")
    ending.speak(refused=True)
    assert ending.done().reason == "content_filter"


def test_usage_is_known_before_the_end_where_it_is_told() -> None:
    ending = Ending(MODEL)
    assert ending.usage is None
    ending.count(Counted(prompt_tokens=2, completion_tokens=1))
    ending.count(None)
    assert ending.usage == Usage(input=2, output=1)
