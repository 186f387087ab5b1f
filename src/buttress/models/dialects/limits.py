"""What an upstream's headers say about how much may still be asked of it. Pure.

OpenAI and what is compatible: `x-ratelimit-{remaining,reset,limit}-{requests,tokens}`, the reset a duration
(`6m0s`, `12ms`). Anthropic: `anthropic-ratelimit-{requests,tokens,...}-{remaining,reset}`, the reset a time
(RFC 3339). They speak of the whole account, and are never passed on to a client.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite

_DURATION = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?"
)
_SECONDS = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_OPENAI = tuple(
    (f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}", f"x-ratelimit-limit-{kind}")
    for kind in ("requests", "tokens")
)
_ANTHROPIC = tuple(
    (f"anthropic-ratelimit-{kind}-remaining", f"anthropic-ratelimit-{kind}-reset")
    for kind in ("requests", "tokens", "input-tokens", "output-tokens")
)

_REMAINING = frozenset(names[0] for names in (*_OPENAI, *_ANTHROPIC))


def tells_limits(headers: Mapping[str, str]) -> bool:
    """Say whether `until_reset` has anything to read."""
    return not _REMAINING.isdisjoint(headers)


def until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return for how many seconds nothing is left to be asked for; None where something is, or nobody knows.

    The longest one counts, where several kinds are used up. A remainder of -1 is unknown, and so is one of 0
    whose limit is not above 0, or whose reset is missing or 0: Azure sends them for deployments without such
    limits.
    """
    if not tells_limits(headers):
        return None
    waits = [
        *(
            _duration(headers.get(reset, ""))
            for remaining, reset, limit in _OPENAI
            if headers.get(remaining) == "0" and headers.get(limit) not in ("0", "-1")
        ),
        *(
            _until(headers.get(reset, ""), now)
            for remaining, reset in _ANTHROPIC
            if headers.get(remaining) == "0"
        ),
    ]
    return max((wait for wait in waits if wait), default=None)


def _duration(text: str) -> float:
    """Return the seconds of a duration as Go writes it, 0 when it is none."""
    match = _DURATION.fullmatch(text.strip())
    parts = match.groupdict("0").items() if match else ()
    seconds = sum(float(number) * _SECONDS[unit] for unit, number in parts)
    return seconds if isfinite(seconds) else 0.0


def _until(time: str, now: datetime) -> float:
    try:
        then = datetime.fromisoformat(time.strip())
    except ValueError:
        return 0.0
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds())
