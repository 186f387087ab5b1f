"""How Anthropic counts tokens, read and written. Pure.

Their `input_tokens` holds neither what the cache gave nor what it took; their `output_tokens` includes the
thinking. Counts come in several events; each is the sum so far, so a later one takes the place of an earlier.
"""

import msgspec

from buttress.kernel.usage import Usage


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class Counts(msgspec.Struct):
    """The object `usage` as upstreams send it; what is not given is None, which is not 0."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None
    cache_creation: _CacheCreation | None = None

    def take(self, later: "Counts | None") -> None:
        """Put the counts that `later` gives in the place of these; those that it leaves out stay."""
        for field in self.__struct_fields__ if later else ():
            if (value := getattr(later, field)) is not None:
                setattr(self, field, value)


def usage_of(counted: Counts) -> Usage | None:
    """Return the counts in disjoint classes; None when one of the two plain ones is missing.

    Thinking is cut to the output that it is part of, should it be larger.
    """
    if counted.input_tokens is None or counted.output_tokens is None:
        return None
    output = _counted(counted.output_tokens)
    details = counted.output_tokens_details
    thinking = min(_counted(details.thinking_tokens if details else None), output)
    return Usage(
        input=_counted(counted.input_tokens),
        cache_read=_counted(counted.cache_read_input_tokens),
        cache_write=_cache_write(counted),
        output=output - thinking,
        reasoning=thinking,
        cache_write_1h=_kept_an_hour(counted),
    )


def usage_begun(counted: Counts) -> Usage | None:
    """Return the counts of an answer under way, of whose output there may be no word yet."""
    known = (
        counted if counted.output_tokens is not None else msgspec.structs.replace(counted, output_tokens=0)
    )
    return usage_of(known)


def _counted(given: int | None) -> int:
    return max(0, given or 0)


def _cache_write(counted: Counts) -> int:
    """Return what was written to the cache: the sum, or its two parts where only they are given."""
    parts = counted.cache_creation
    if counted.cache_creation_input_tokens is not None or parts is None:
        return _counted(counted.cache_creation_input_tokens)
    return _counted(parts.ephemeral_5m_input_tokens) + _counted(parts.ephemeral_1h_input_tokens)


def _kept_an_hour(counted: Counts) -> int:
    hour = _counted(counted.cache_creation.ephemeral_1h_input_tokens) if counted.cache_creation else 0
    return min(hour, _cache_write(counted))


def counts_of(usage: Usage | None) -> dict[str, object]:
    """Return `usage` as clients read it. They need numbers: what nobody knows is written as 0."""
    known = usage or Usage()
    return {
        "input_tokens": known.input,
        "cache_creation_input_tokens": known.cache_write,
        "cache_read_input_tokens": known.cache_read,
        "output_tokens": known.output + known.reasoning,
        "output_tokens_details": {"thinking_tokens": known.reasoning},
    }
