"""Usage as Gemini counts it, in disjoint classes. Pure."""

import msgspec

from buttress.kernel.usage import Usage


class Counted(msgspec.Struct, rename="camel", frozen=True):
    """A `usageMetadata`: sums so far. Their JSON leaves out what is 0."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None


def usage_of(counted: Counted) -> Usage | None:
    """Return the counts in disjoint classes; None when there is neither the answer's count nor the total.

    Their prompt includes what the cache gave, and not what their own tools read; their answer excludes the
    thoughts. An answer's count that is missing is what the others leave of the total.
    """
    if counted.prompt_token_count is None:
        return None
    prompt, tools = max(0, counted.prompt_token_count), max(0, counted.tool_use_prompt_token_count or 0)
    thoughts = max(0, counted.thoughts_token_count or 0)
    output = counted.candidates_token_count
    if output is None:
        if counted.total_token_count is None:
            return None
        output = counted.total_token_count - prompt - tools - thoughts
    cached = min(max(0, counted.cached_content_token_count or 0), prompt)
    return Usage(input=prompt - cached + tools, cache_read=cached, output=max(0, output), reasoning=thoughts)
