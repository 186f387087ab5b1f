"""What a call used and what it cost: tokens in disjoint classes, money in integer nano-dollars."""

from typing import NewType

import msgspec

NanoDollars = NewType("NanoDollars", int)
"""10^-9 US dollars. A whole number, so that sums are exact."""

NANO = 1_000_000_000


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one attempt. The classes are disjoint: their sum is all that was processed.

    `input` excludes what was read from or written to a provider's cache; `output` excludes `reasoning`.
    Two are no classes, but parts of them, where that is told: `cache_write_1h` of `cache_write` is what is
    kept for an hour, and `sound` of all is what was heard or spoken.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    cache_write_1h: int = 0
    sound: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            cache_read=self.cache_read + other.cache_read,
            cache_write=self.cache_write + other.cache_write,
            output=self.output + other.output,
            reasoning=self.reasoning + other.reasoning,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            sound=self.sound + other.sound,
        )

    @property
    def total(self) -> int:
        """All tokens, of every class."""
        return self.input + self.cache_read + self.cache_write + self.output + self.reasoning


def format_dollars(amount: NanoDollars | None) -> str:
    """Return `$0.001250`, or `unknown` for a cost nobody knows; an unknown cost is never shown as 0."""
    return "unknown" if amount is None else f"${amount / NANO:,.6f}"
