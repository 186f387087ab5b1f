"""Chance, as something handed in, so that runs repeat and tests own it."""

import random
from typing import Protocol


class Chance(Protocol):
    """Where random draws come from; never for keys or tokens, which come from `secrets`."""

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def bits(self, count: int) -> int:
        """Return an integer of `count` random bits."""
        ...


class SeededChance:
    """Draws that repeat with the same seed; without one they differ from process to process."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def fraction(self) -> float:
        """See `Chance.fraction`."""
        return self._random.random()

    def bits(self, count: int) -> int:
        """See `Chance.bits`."""
        return self._random.getrandbits(count)
