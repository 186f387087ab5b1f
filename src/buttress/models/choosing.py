"""Which model of a rung a call is sent to. Pure, apart from the chance that is handed in.

Without weights: of two drawn at random the one that should answer sooner (the power of two choices;
Mitzenmacher, 2001): nearly as good as the best of all, and not everybody runs to the same one. With weights:
a draw by them. Whoever is left alone for now comes last.
"""

from collections.abc import Callable, Sequence
from math import log

import msgspec

from buttress.kernel.catalogue import Ladder, Step
from buttress.kernel.chance import Chance


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model that may be chosen.

    `expected_ms` is its time to a first token, None when it was not asked yet; `running` counts its calls.
    """

    name: str
    rests: bool = False
    expected_ms: float | None = None
    running: int = 0

    @property
    def cost(self) -> float:
        """What one more call must expect, in milliseconds; 0 where nobody knows: then it is to be tried."""
        return 0.0 if self.expected_ms is None else self.expected_ms * (self.running + 1)


def ordered(ladder: Ladder, look: Callable[[str], Candidate], chance: Chance) -> list[str]:
    """Return every model of `ladder` in the order in which one call is to try them."""
    names: list[str] = []
    for step in ladder.steps:
        names += step.models if len(step.models) == 1 else _within(step, look, chance)
    return names


def _within(step: Step, look: Callable[[str], Candidate], chance: Chance) -> list[str]:
    candidates = [look(name) for name in step.models]
    weights = step.weights
    order = by_weight(candidates, weights, chance) if weights else by_latency(candidates, chance)
    return [
        one.name for one in sorted(order, key=lambda one: one.rests)
    ]  # stable: within each half as it was


def by_weight(candidates: Sequence[Candidate], weights: Sequence[float], chance: Chance) -> list[Candidate]:
    """Return `candidates` in the order of a draw without putting back, each weighing so much.

    A race of exponential clocks (Efraimidis and Spirakis, 2006): each is first with its share of the weight.
    """
    times = [-log(1.0 - chance.fraction()) / weight for weight in weights]
    return [candidates[index] for index in sorted(range(len(candidates)), key=times.__getitem__)]


def by_latency(candidates: Sequence[Candidate], chance: Chance) -> list[Candidate]:
    """Return the better of two drawn at random from those that may be asked, then the others by cost."""
    drawn = sorted(candidates, key=lambda one: (one.rests, chance.fraction()))
    first = min(drawn[:2], key=lambda one: (one.rests, one.cost))
    others = sorted((one for one in drawn if one is not first), key=lambda one: one.cost)
    return [first, *others]
