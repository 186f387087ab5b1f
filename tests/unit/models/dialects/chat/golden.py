"""Streams of providers as they were recorded, and what each of them says."""

from pathlib import Path

import msgspec
import pytest

from buttress.kernel.messages import FinishReason, Thinking, ToolCall
from buttress.kernel.usage import Usage
from buttress.models.dialects.types import Said
from buttress.models.sse import SseParser

GOLDEN = Path(__file__).parent.parent / "golden"
HOURS = ToolCall("call_aX1", "opening_hours", '{"day": "Sunday"}')
WEATHER = ToolCall("call_bY2", "weather", '{"city":"Ulm"}')


def said(text: str, reason: FinishReason, usage: Usage, model: str, **more: object) -> Said:
    """Return an answer of those words, but for what `more` says."""
    plain = Said(text=text, reason=reason, usage=usage, model=model)
    return msgspec.structs.replace(plain, **more)


STREAMS = [
    pytest.param(
        "openai",
        said(
            "Yes, on Sundays — too 😀.",
            "stop",
            Usage(input=186, cache_read=1024, output=9),
            "gpt-4o-mini-2024-07-18",
        ),
        id="OpenAI",
    ),
    pytest.param(
        "openai_tools",
        said(
            "",
            "tool_calls",
            Usage(input=88, output=56, reasoning=64),
            "gpt-5-2025-08-07",
            tool_calls=(HOURS, WEATHER),
        ),
        id="OpenAI, two tools",
    ),
    pytest.param(
        "openai_refusal",
        said("I cannot help with that.", "content_filter", Usage(input=40, output=7), "gpt-4o-2024-11-20"),
        id="OpenAI, a refusal",
    ),
    pytest.param(
        "azure",
        said("Until six.", "stop", Usage(input=21, output=3), "gpt-4o-mini"),
        id="Azure begins with a chunk without choices",
    ),
    pytest.param(
        "azure_filtered",
        said("Well,", "content_filter", Usage(input=21, output=2), "gpt-4o-mini"),
        id="Azure's filter ends the answer",
    ),
    pytest.param(
        "vllm",
        said("Six.", "stop", Usage(input=15, output=8), "qwen3", thoughts=(Thinking("Six or seven?"),)),
        id="vLLM counts in each chunk, all so far",
    ),
    pytest.param(
        "vllm_tools",
        said(
            "",
            "tool_calls",
            Usage(input=30, output=15),
            "qwen3",
            tool_calls=(ToolCall("chatcmpl-tool-1", "opening_hours", '{"day": "Sunday"}'),),
        ),
        id="vLLM says stop after a tool call",
    ),
    pytest.param(
        "deepseek",
        said(
            "At six.",
            "stop",
            Usage(input=6, cache_read=64, output=6, reasoning=14),
            "deepseek-reasoner",
            thoughts=(Thinking("The list says six."),),
        ),
        id="DeepSeek counts in the last chunk",
    ),
    pytest.param(
        "mistral",
        said(
            "At six.",
            "tool_calls",
            Usage(input=33, output=28),
            "magistral-small",
            thoughts=(Thinking("Let me look."),),
            tool_calls=(ToolCall("Ab1Cd2Ef3", "weather", '{"city": "Ulm"}'),),
        ),
        id="Mistral thinks in parts of the content",
    ),
    pytest.param(
        "openrouter",
        said(
            "At six.",
            "stop",
            Usage(input=50, output=8, reasoning=4),
            "anthropic/claude-sonnet-4",
            thoughts=(Thinking("Hm."),),
        ),
        id="OpenRouter sends comments",
    ),
    pytest.param(
        "groq",
        said("At six.", "stop", Usage(input=44, output=4), "llama-3.3-70b-versatile"),
        id="Groq counts in a place of its own",
    ),
    pytest.param(
        "llama_cpp",
        said("At six.", "length", Usage(input=19, output=2), "smollm2"),
        id="llama.cpp",
    ),
    pytest.param(
        "ollama_tools",
        said(
            "",
            "tool_calls",
            Usage(input=160, output=31),
            "llama3.2",
            tool_calls=(
                ToolCall("call_k1", "opening_hours", '{"day":"Sunday"}'),
                ToolCall("call_k2", "weather", '{"city":"Ulm"}'),
            ),
        ),
        id="Ollama numbers each call 0",
    ),
    pytest.param(
        "gemini_compatible",
        said(
            "",
            "tool_calls",
            Usage(input=60, output=22, reasoning=100),
            "gemini-2.5-flash",
            tool_calls=(
                ToolCall("call_Xy-12_0", "opening_hours", '{"day":"Sunday"}'),
                ToolCall("call_Xy-12_1", "weather", '{"city":"Ulm"}'),
            ),
        ),
        id="Gemini gives no ids, and counts thoughts in the total",
    ),
    pytest.param(
        "moonshot",
        said("At six.", "stop", Usage(input=25, output=4), "kimi-k2"),
        id="Moonshot counts within the choice",
    ),
    pytest.param(
        "xai",
        said(
            "At six.",
            "stop",
            Usage(input=4, cache_read=96, output=5, reasoning=200),
            "grok-4",
            thoughts=(Thinking("Six it is."),),
        ),
        id="xAI counts the reasoning beside the completion",
    ),
]


def events_in(name: str) -> list[str]:
    """Return the data of the events that were recorded under a name."""
    sent = (GOLDEN / f"chat_{name}.txt").read_bytes()
    return [event.data for event in SseParser(1_000_000).feed(sent)]
