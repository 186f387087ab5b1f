"""Tokens in their sums, and in our classes. More in test_reading."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import Usage
from buttress.models.dialects.chat.usage import (
    CompletionDetails,
    Counted,
    PromptDetails,
    told_usage,
    usage_of,
)


@pytest.mark.parametrize(
    ("counted", "usage"),
    [
        pytest.param(
            Counted(
                prompt_tokens=10,
                completion_tokens=5,
                total_tokens=115,
                completion_tokens_details=CompletionDetails(100),
            ),
            Usage(input=10, output=5, reasoning=100),
            id="xAI counts the reasoning beside the completion",
        ),
        pytest.param(
            Counted(prompt_tokens=10, completion_tokens=5, total_tokens=115),
            Usage(input=10, output=5, reasoning=100),
            id="Gemini counts its thoughts in the total only",
        ),
        pytest.param(
            Counted(
                prompt_tokens=10,
                completion_tokens=50,
                total_tokens=60,
                completion_tokens_details=CompletionDetails(40),
            ),
            Usage(input=10, output=10, reasoning=40),
            id="OpenAI counts it within",
        ),
        pytest.param(
            Counted(prompt_tokens=10, completion_tokens=5, total_tokens=3),
            Usage(input=10, output=5),
            id="a total that is too small",
        ),
        pytest.param(
            Counted(prompt_tokens=10, completion_tokens=5, prompt_cache_hit_tokens=8),
            Usage(input=2, cache_read=8, output=5),
            id="DeepSeek's name of what the cache gave",
        ),
        pytest.param(
            Counted(
                prompt_tokens=10,
                completion_tokens=5,
                prompt_tokens_details=PromptDetails(audio_tokens=7),
                completion_tokens_details=CompletionDetails(audio_tokens=2),
            ),
            Usage(input=10, output=5, sound=9),
            id="what was heard, and what was spoken",
        ),
        pytest.param(
            Counted(prompt_tokens=10.0, completion_tokens=5.0, total_tokens=15.0),
            Usage(input=10, output=5),
            id="numbers with a point",
        ),
        pytest.param(
            Counted(prompt_tokens=10, completion_tokens=5, cached_tokens=8),
            Usage(input=2, cache_read=8, output=5),
            id="Moonshot's name of it",
        ),
        pytest.param(
            Counted(
                prompt_tokens=10,
                completion_tokens=5,
                prompt_cache_hit_tokens=8,
                prompt_tokens_details=PromptDetails(8),
            ),
            Usage(input=2, cache_read=8, output=5),
            id="both names of it are counted once",
        ),
    ],
)
def test_no_token_is_lost_or_counted_twice(counted: Counted, usage: Usage) -> None:
    """Prevents litellm#11364 and its kin: cached tokens billed twice, reasoning not at all."""
    assert usage_of(counted) == usage


COUNTS = st.integers(0, 10**12)


@given(st.builds(Usage, input=COUNTS, cache_read=COUNTS, cache_write=COUNTS, output=COUNTS, reasoning=COUNTS))
def test_usage_written_is_usage_read(usage: Usage) -> None:
    assert usage_of(msgspec.convert(told_usage(usage), Counted)) == usage
