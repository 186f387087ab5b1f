"""Tokens as chat completions count them: in sums that hold their parts. Pure."""

import msgspec

from buttress.kernel.usage import Usage

Count = int | float | None
"""A whole number, but some servers write 5.0."""


class PromptDetails(msgspec.Struct, frozen=True, gc=False):
    """What the tokens of a prompt were."""

    cached_tokens: Count = None
    cache_write_tokens: Count = None
    audio_tokens: Count = None


class CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    """What the tokens of an answer were."""

    reasoning_tokens: Count = None
    audio_tokens: Count = None


class Counted(msgspec.Struct, frozen=True, gc=False):
    """The field `usage` as upstreams send it; what the cache gave stands in one of three places."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_cache_hit_tokens: Count = None
    cached_tokens: Count = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


def usage_of(counted: Counted) -> Usage | None:
    """Return the counts in disjoint classes; None when one of the two sums is missing.

    Their `prompt_tokens` includes what the cache gave or took, their `completion_tokens` the reasoning. Where
    `total_tokens` is more than both (xAI, Gemini), what is missing was thought, and is paid for as well.
    Parts that are larger than their sum are cut to it, so that the classes always add up to the sums.
    """
    if counted.prompt_tokens is None or counted.completion_tokens is None:
        return None
    inputs = counted.prompt_tokens_details or PromptDetails()
    outputs = counted.completion_tokens_details or CompletionDetails()
    prompt, completion = _whole(counted.prompt_tokens), _whole(counted.completion_tokens)
    left_out = max(0, _whole(counted.total_tokens) - prompt - completion)
    told = inputs.cached_tokens or counted.prompt_cache_hit_tokens or counted.cached_tokens
    read = _part(told, prompt)
    written = _part(inputs.cache_write_tokens, prompt - read)
    reasoning = max(left_out, _part(outputs.reasoning_tokens, completion + left_out))
    return Usage(
        input=prompt - read - written,
        cache_read=read,
        cache_write=written,
        output=completion + left_out - reasoning,
        reasoning=reasoning,
        sound=_whole(inputs.audio_tokens) + _whole(outputs.audio_tokens),
    )


def _whole(count: Count) -> int:
    return max(0, int(count or 0))


def _part(count: Count, whole: int) -> int:
    return min(_whole(count), whole)


def told_usage(usage: Usage) -> dict[str, object]:
    """Return the counts as OpenAI sums them: the cache within the prompt, reasoning within the completion."""
    prompt, completion = usage.input + usage.cache_read + usage.cache_write, usage.output + usage.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }
