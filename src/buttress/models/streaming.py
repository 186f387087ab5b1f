"""What may happen to an answer while it streams, and what then is true of it: one table. Pure.

    unsent --sent--> waiting --said--> speaking --finished--> answered
       |                |                 |-- refused, fault, late --> cut
       |-- fault -------|-- fault --> failed
       '-- gone --------'-- gone -------- '-- gone --> cancelled

Until `speaking` the client has seen nothing, and another model may be asked. Afterwards nothing can be taken
back. What has ended stays as it ended: whatever happens after it changes nothing.
"""

import asyncio
from typing import Literal

import msgspec

from buttress.models.decide import was_refused
from buttress.models.errors import ModelTimeout
from buttress.models.types import Outcome

State = Literal["unsent", "waiting", "speaking", "answered", "failed", "cut", "cancelled"]

Happening = Literal["sent", "quiet", "said", "finished", "refused", "fault", "late", "gone"]
"""`quiet`: an event without content. `refused`: a fault before the model worked. `gone`: nobody waits."""

Paid = Literal["told", "free", "estimated"]
"""What an answer costs: what its upstream says (else an estimate), nothing, or what can be estimated."""


class Standing(msgspec.Struct, frozen=True):
    """How it stands with an answer; `paid` None while it is under way."""

    state: State
    paid: Paid | None = None


UNSENT, WAITING, SPEAKING = Standing("unsent"), Standing("waiting"), Standing("speaking")

_FAILED_FREE, _CANCELLED_FREE = Standing("failed", "free"), Standing("cancelled", "free")
_FAILED, _CUT, _CANCELLED = (
    Standing("failed", "estimated"),
    Standing("cut", "estimated"),
    Standing("cancelled", "estimated"),
)
_ANSWERED = Standing("answered", "told")

TABLE: dict[State, dict[Happening, Standing]] = {
    "unsent": {
        "sent": WAITING,
        "refused": _FAILED_FREE,
        "fault": _FAILED_FREE,
        "late": _FAILED_FREE,
        "gone": _CANCELLED_FREE,
    },
    "waiting": {
        "quiet": WAITING,
        "said": SPEAKING,
        "finished": _ANSWERED,
        "refused": _FAILED_FREE,
        "fault": _FAILED,
        "late": _FAILED,
        "gone": _CANCELLED,
    },
    "speaking": {
        "quiet": SPEAKING,
        "said": SPEAKING,
        "finished": _ANSWERED,
        "refused": _CUT,
        "fault": _CUT,
        "late": _CUT,
        "gone": _CANCELLED,
    },
}
"""What follows from what; nothing follows from the other states, and from what is left out."""


def after(standing: Standing, happening: Happening) -> Standing:
    """Return how it stands after `happening`."""
    followers = TABLE.get(standing.state)
    return followers.get(happening, standing) if followers else standing


def outcome_of(standing: Standing) -> Outcome:
    """Return how an attempt is recorded that stands so; one under way was left by whoever waited for it."""
    match standing.state:
        case "answered" | "failed" | "cut" as ended:
            return ended
        case _:
            return "cancelled"


def happening_of(error: BaseException) -> Happening:
    """Return what it means for an answer that `error` ended it."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "gone"
    if isinstance(error, ModelTimeout):
        return "late"
    return "refused" if was_refused(error) else "fault"
