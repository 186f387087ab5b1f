"""What to do after an attempt failed, what that says of its model, and what it may have cost: pure rules."""

from math import ceil

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.kernel.tokens import CHARACTERS_PER_TOKEN
from buttress.kernel.usage import Usage
from buttress.models.breaker import Effect
from buttress.models.errors import (
    BadAnswer,
    BadRequest,
    LocalModelAway,
    LocalModelBroken,
    LocalModelMissing,
    LongtailMissing,
    ModelBusy,
    ModelNotAdded,
    ModelResting,
    ModelTimeout,
    ModelUnavailable,
    NoRungLeft,
    NothingToQuote,
    ProviderUnknown,
    RateLimited,
    RefusedKey,
    RequestInvalid,
    StateUnsupported,
    StreamCut,
    Untranslatable,
    WindowExceeded,
    WrongKind,
)
from buttress.models.settings import ModelSettings

_REFUSED = (
    *(RateLimited, RefusedKey, BadRequest, WindowExceeded, RequestInvalid, Untranslatable, StateUnsupported),
    *(ModelBusy, ModelResting, LocalModelAway, LocalModelMissing, LocalModelBroken, NothingToQuote),
    WrongKind,
    LongtailMissing,
)
"""What happens before a model has worked."""

_OF_THE_CALL = ("total", "first_token_of_call")
"""What a timeout waited for that has to do with all attempts of a call, not with one model."""

EFFECTS: dict[type[ButtressError], Effect] = {
    # It does not do what it is there for; or not in time.
    ModelUnavailable: "ill",
    ModelTimeout: "ill",
    StreamCut: "ill",
    BadAnswer: "ill",
    RateLimited: "ill",
    # It works. The key is wrong, or empty: the first call after that is mended is to go.
    RefusedKey: "neither",
    # It works. This request is not for it.
    BadRequest: "neither",
    WindowExceeded: "neither",
    NothingToQuote: "neither",
    # Nothing was sent: nothing was learned.
    RequestInvalid: "neither",
    Untranslatable: "neither",
    StateUnsupported: "neither",
    WrongKind: "neither",
    ProviderUnknown: "neither",
    ModelResting: "neither",
    NoRungLeft: "neither",
    # Its own line was full, or its process is being started: both pass sooner than a breaker closes.
    ModelBusy: "neither",
    LocalModelAway: "neither",
    LocalModelMissing: "neither",
    LongtailMissing: "neither",
    ModelNotAdded: "neither",
    LocalModelBroken: "neither",
}
"""What each error of this room says about the model that it came from."""


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
    nor one that is busy, rests, or is away: it would be for longer than any wait here; nor one whose answer
    cannot be read: it worked, and would be paid again for the same. The delay is
    drawn evenly from 0 to a bound that doubles (full jitter), or what the upstream asks for where that is
    longer; an upstream that asks for more than `retry_after_cap_s` is left for the next rung.
    """
    if failed.remaining_s <= 0:
        return GiveUp()
    lasts = isinstance(failed.error, ModelTimeout | ModelBusy | ModelResting | LocalModelAway | BadAnswer)
    is_worth_it = failed.error.retryable and not lasts
    if not is_worth_it or failed.tries >= settings.attempts_per_rung:
        return NextRung()
    asked_s = rest_of(failed.error) or 0.0
    delay_s = max(asked_s, backoff_s(failed.tries, failed.chance, settings))
    if asked_s > settings.retry_after_cap_s or delay_s >= failed.remaining_s:
        return NextRung()
    return Retry(delay_s)


def backoff_s(tries: int, chance: float, settings: ModelSettings) -> float:
    """Return the wait before attempt `tries` + 1: full jitter under a bound that doubles up to the cap."""
    return chance * min(settings.backoff_cap_s, settings.backoff_base_s * 2.0 ** (tries - 1))


def effect_of(error: BaseException | None) -> Effect:
    """Return what the end of a call says about its model; None is a good end.

    An upstream that says how long it wants to be left alone is not ill, it rests (`rest_of`). The end of the
    time for a whole call says how little was left, not how slow a model was. Nor does it say anything that
    nobody waits any more, or that something broke on this side.
    """
    if error is None:
        return "good"
    if rest_of(error) or _is_ours(error):
        return "neither"
    return EFFECTS.get(type(error), "neither") if isinstance(error, ButtressError) else "neither"


def is_overload(error: BaseException | None) -> bool:
    """Say whether a model had too much to do: 429, 503, 529, or no token in time."""
    if isinstance(error, ModelUnavailable):
        return error.is_overloaded
    return isinstance(error, RateLimited) or (isinstance(error, ModelTimeout) and not _is_ours(error))


def rest_of(error: BaseException | None) -> float | None:
    """Return how many seconds a model asks to be left alone for, None when it does not."""
    return error.retry_after_s if isinstance(error, RateLimited) else None


def _is_ours(error: BaseException) -> bool:
    return isinstance(error, ModelTimeout) and error.data.get("waited_for") in _OF_THE_CALL


def was_refused(error: BaseException) -> bool:
    """Say whether an attempt failed before its model did anything: it was refused, or never sent.

    An error of another room (a secret that is missing) is raised on this side, before anything is sent.
    """
    if isinstance(error, ModelUnavailable):
        return not error.may_have_worked
    if isinstance(error, _REFUSED):
        return True
    return isinstance(error, ButtressError) and not error.code.startswith("models.")


def estimated_usage(asked_tokens: int, said_characters: int) -> Usage:
    """Return about what an attempt used whose upstream did not say; rather too much than too little."""
    return Usage(input=asked_tokens, output=ceil(said_characters / CHARACTERS_PER_TOKEN))


def continued_usage(counted: Usage, said_characters: int) -> Usage:
    """Return about what an attempt used whose upstream `counted` as it went, and then said so much more."""
    more = ceil(said_characters / CHARACTERS_PER_TOKEN)
    return msgspec.structs.replace(counted, output=counted.output + more)
