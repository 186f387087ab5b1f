"""What to do after an attempt failed, and what it may have cost: rules, all pure."""

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.kernel.usage import Usage
from buttress.models.errors import (
    BadRequest,
    LocalModelAway,
    LocalModelBroken,
    LocalModelMissing,
    ModelBusy,
    ModelTimeout,
    ModelUnavailable,
    NothingToQuote,
    RateLimited,
    RefusedKey,
    WindowExceeded,
)
from buttress.models.settings import ModelSettings

_REFUSED = (
    *(RateLimited, RefusedKey, BadRequest, WindowExceeded),
    *(ModelBusy, LocalModelAway, LocalModelBroken, LocalModelMissing, NothingToQuote),
)
"""What happens before a model has worked."""


class Retry(msgspec.Struct, frozen=True):
    """Ask the same model again after `delay_s`."""

    delay_s: float


class NextRung(msgspec.Struct, frozen=True):
    """Ask the next model of the ladder, at once."""


class GiveUp(msgspec.Struct, frozen=True):
    """Ask nobody any more: the time for this answer is over."""


Decision = Retry | NextRung | GiveUp


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that failed before it released any text.

    `tries` counts the attempts at this model with this one; `remaining_s` is what is left for the whole
    answer; `chance` is a fresh draw from [0, 1).
    """

    error: ButtressError
    tries: int
    remaining_s: float
    chance: float


def after_failure(failed: Failed, settings: ModelSettings) -> Decision:
    """Decide: the same model again, the next one, or none.

    The same model is asked again only for what may pass by itself. A slow one is not: it would be slow again;
    nor is the local one when it is busy or away: it would be for longer than any wait here. The delay is
    drawn evenly from 0 to a bound that doubles (full jitter), or what the upstream asks for where that is
    longer; an upstream that asks for more than `retry_after_cap_s` is left for the next rung.
    """
    if failed.remaining_s <= 0:
        return GiveUp()
    lasts = isinstance(failed.error, ModelTimeout | ModelBusy | LocalModelAway)
    is_worth_it = failed.error.retryable and not lasts
    if not is_worth_it or failed.tries >= settings.attempts_per_rung:
        return NextRung()
    asked_s = _retry_after_s(failed.error)
    delay_s = max(asked_s, backoff_s(failed.tries, failed.chance, settings))
    if asked_s > settings.retry_after_cap_s or delay_s >= failed.remaining_s:
        return NextRung()
    return Retry(delay_s)


def backoff_s(tries: int, chance: float, settings: ModelSettings) -> float:
    """Return the wait before attempt `tries` + 1: full jitter under a bound that doubles up to the cap."""
    return chance * min(settings.backoff_cap_s, settings.backoff_base_s * 2.0 ** (tries - 1))


def usage_of_failure(error: BaseException) -> Usage | None:
    """Return what a failed attempt used: nothing where it was refused or never sent, else nobody knows.

    An error of another room (a secret that is missing) is raised on this side, before anything is sent.
    """
    if isinstance(error, ModelUnavailable):
        return None if error.was_sent else Usage()
    if isinstance(error, _REFUSED):
        return Usage()
    is_ours = not isinstance(error, ButtressError) or error.code.startswith("models.")
    return None if is_ours else Usage()


def _retry_after_s(error: ButtressError) -> float:
    return (error.retry_after_s or 0.0) if isinstance(error, RateLimited) else 0.0
