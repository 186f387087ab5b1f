"""Usage in disjoint classes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import Usage
from buttress.models.dialects.gemini.counts import Counted, usage_of


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        pytest.param(
            {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13},
            Usage(input=9, output=4),
            id="plain",
        ),
        pytest.param(
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 60,
                "candidatesTokenCount": 30,
                "thoughtsTokenCount": 20,
                "toolUsePromptTokenCount": 7,
                "totalTokenCount": 157,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
            },
            Usage(input=47, cache_read=60, output=30, reasoning=20),
            id="the cache comes off the prompt, the thoughts stand beside the answer",
        ),
        pytest.param(
            {"promptTokenCount": 9, "thoughtsTokenCount": 50, "totalTokenCount": 59},
            Usage(input=9, reasoning=50),
            id="nothing but thoughts",
        ),
        pytest.param(
            {"promptTokenCount": 9, "totalTokenCount": 9}, Usage(input=9), id="a prompt that was blocked"
        ),
        pytest.param(
            {"promptTokenCount": 5, "cachedContentTokenCount": 9, "candidatesTokenCount": 1},
            Usage(cache_read=5, output=1),
            id="a part larger than its sum",
        ),
        pytest.param({"promptTokenCount": 9}, None, id="nothing of the answer is unknown, not zero"),
        pytest.param({"promptTokenCount": 0, "candidatesTokenCount": 0}, Usage(), id="zero is known"),
        pytest.param({"totalTokenCount": 9}, None, id="no prompt"),
        pytest.param({}, None, id="an empty object is unknown"),
    ],
)
def test_usage(told: dict[str, object], usage: Usage | None) -> None:
    assert usage_of(msgspec.convert(told, Counted)) == usage


_COUNT = st.integers(0, 10**9)


@pytest.mark.parametrize("left_out", [True, False])
@given(_COUNT, _COUNT, _COUNT, _COUNT, st.none() | st.integers(-5, 10**9))
def test_the_classes_add_up_to_the_total(
    left_out: object, prompt: int, output: int, thoughts: int, tools: int, cached: int | None
) -> None:
    counted = Counted(
        prompt_token_count=prompt,
        cached_content_token_count=cached,
        candidates_token_count=None if left_out else output,
        thoughts_token_count=thoughts,
        tool_use_prompt_token_count=tools,
        total_token_count=prompt + output + thoughts + tools,
    )
    usage = usage_of(counted)
    assert usage is not None
    assert usage.total == counted.total_token_count
    assert min(usage.input, usage.cache_read, usage.output, usage.reasoning) >= 0
