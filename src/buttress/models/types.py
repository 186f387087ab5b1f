"""The nouns of models: an attempt, its bill, and where the local model is."""

from datetime import datetime
from typing import Literal

import msgspec

from buttress.kernel.messages import Delta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.dialects.types import Seen

Outcome = Literal["answered", "failed", "cut", "cancelled"]
"""How an attempt ended: `failed` before any text was released, `cut` after some was."""


class Bill(msgspec.Struct, kw_only=True):
    """What one attempt used and what it cost; the only noun here that changes, while the attempt runs.

    The ladder fills in all but `cost`, which the meter does when it settles. Where the upstream did not say
    what was used (it may have worked, and charges, for what was not received), `usage` is counted from what
    went out and came in, and `is_estimated`. `is_free` says that nothing was used, so that it costs nothing
    at whatever price.
    """

    usage: Usage | None = None
    is_estimated: bool = False
    is_free: bool = False
    output_characters: int = 0
    cost: NanoDollars | None = None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long one call may take, in milliseconds from now, all attempts together; None as the settings say.

    With `hedge_after_ms` the next model is asked, too, when the first has said nothing for so long.
    """

    first_token_ms: float | None = None
    total_ms: float | None = None
    hedge_after_ms: int | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one model: what is billed. `error_code` is None when it was answered, or nobody waited.

    `first_token_ms` None: nothing came. `usage` and `cost` None: unknown, which is not 0. `is_estimated`: the
    upstream did not say what was used. `queued_ms` of `duration_ms` it waited for its turn at the model.
    """

    model: str
    provider: str
    started_at: datetime
    first_token_ms: float | None
    duration_ms: float
    queued_ms: float = 0.0
    usage: Usage | None
    cost: NanoDollars | None
    is_estimated: bool = False
    outcome: Outcome
    error_code: str | None


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A piece of an answer in the upstream's own words, for a client that speaks the same dialect.

    `data` goes out as it is: an event of a stream, or a whole answer; `seen` is what we know of it.
    """

    data: bytes
    seen: Seen


Piece = Delta | Frame
"""What comes of an answer: in our words, or in the upstream's."""


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A score for each of some documents, 0 to 1, in their order.

    `tokens` were read; of the documents at the places `truncated` only the beginning.
    """

    scores: list[float]
    tokens: int
    truncated: list[int]


class LocalAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where the process `pid` serves the local model, and the token it wants."""

    url: str
    token: str
    pid: int
