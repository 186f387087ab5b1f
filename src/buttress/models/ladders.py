"""Reading the `ladders:` of models.yaml. A rung is a model, several of them, or several with weights.

ladders:
  answers: [writer, quotes]
  spread: [[east, west], {big: 3, bigger: 1}, quotes]
  quick: {rungs: [east, west, quotes], hedge_after_ms: 400, cache: {ttl_s: 60}}
"""

from collections.abc import Collection, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.kernel.cached import KeepPolicy
from buttress.kernel.catalogue import Ladder, Step
from buttress.kernel.errors import Mistake
from buttress.kernel.located import Keys, Located, convert_all, did_you_mean

LADDERS = "ladders"

Weight = Annotated[float, Meta(gt=0, le=1_000_000)]


class LadderEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ladder written as a mapping; the rungs are read one by one."""

    rungs: list[object]
    hedge_after_ms: Annotated[int, Meta(ge=1, le=600_000)] | None = None
    cache: KeepPolicy | None = None


def read_ladder(located: Located, name: str, models: Collection[str]) -> Ladder | list[Mistake]:
    """Return the ladder `name` of the file, whose models are called `models`; or all its mistakes."""
    keys: Keys = (LADDERS, name)
    hedge_after_ms = None
    if isinstance(located.get(*keys), dict):
        entry = convert_all(located, LadderEntry, *keys)
        if isinstance(entry, list):
            return entry
        keys, hedge_after_ms = (*keys, "rungs"), entry.hedge_after_ms
    rungs = convert_all(located, tuple[object, ...], *keys)
    if isinstance(rungs, list):
        return rungs
    if not rungs:
        return [Mistake(located.at(*keys), f"{LADDERS}.{name}: no model", "Name at least one: `[small]`.")]
    steps = [_step(located, (*keys, index)) for index in range(len(rungs))]
    mistakes = [one for step in steps if isinstance(step, list) for one in step]
    read = tuple(step for step in steps if isinstance(step, Step))
    if not mistakes:
        mistakes = list(_misnamed(located, keys, read, models))
    return mistakes or Ladder(read, hedge_after_ms)


def _step(located: Located, keys: Keys) -> Step | list[Mistake]:
    value = located.get(*keys)
    if isinstance(value, dict):
        weights = convert_all(located, dict[str, Weight], *keys)
        step = weights if isinstance(weights, list) else Step(tuple(weights), tuple(weights.values()))
    elif isinstance(value, list):
        names = convert_all(located, tuple[str, ...], *keys)
        step = names if isinstance(names, list) else Step(names)
    else:
        one = convert_all(located, str, *keys)
        step = one if isinstance(one, list) else Step((one,))
    if isinstance(step, Step) and not step.models:
        return [Mistake(located.at(*keys), f"{LADDERS}.{keys[1]}: a rung without a model", "Leave it out.")]
    return step


def _misnamed(
    located: Located, keys: Keys, steps: tuple[Step, ...], models: Collection[str]
) -> Iterator[Mistake]:
    """Yield a mistake for each name that no model has, and for each that stands there again."""
    seen: set[str] = set()
    for index, step in enumerate(steps):
        for at, model in enumerate(step.models):
            where = located.at(*keys, index, *((model,) if step.weights else (at,)))
            if model not in models:
                hint = did_you_mean(model, models) or f"There are: {', '.join(models) or 'none'}."
                yield Mistake(where, f"{LADDERS}.{keys[1]}: no model is called `{model}`", hint)
            elif model in seen:
                message = f"{LADDERS}.{keys[1]}: `{model}` stands on it twice"
                yield Mistake(where, message, "Name each model once; retries are not rungs.")
            seen.add(model)
