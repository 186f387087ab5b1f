"""The nouns of models: an attempt, its bill, and where the local model is."""

from datetime import datetime
from typing import Literal

import msgspec

from buttress.kernel.usage import NanoDollars, Usage

Outcome = Literal["answered", "failed", "cut", "cancelled"]
"""How an attempt ended: `failed` before any text was released, `cut` after some was."""


class Bill(msgspec.Struct, kw_only=True):
    """What one attempt used and what it cost; the only noun here that changes, while the attempt runs.

    The ladder fills in `usage` and `output_characters`; the meter fills in `cost` when it settles. `usage`
    None at the end means that the upstream did not say: it may have worked, and charged, for what was not
    received. `is_free` says that nothing was used, so that it costs nothing at whatever price.
    """

    usage: Usage | None = None
    is_free: bool = False
    output_characters: int = 0
    cost: NanoDollars | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one model: what is billed. `error_code` is None when it was answered.

    `first_token_ms` None: no text came. `usage` and `cost` None: unknown, which is not 0.
    """

    model: str
    provider: str
    started_at: datetime
    first_token_ms: float | None
    duration_ms: float
    usage: Usage | None
    cost: NanoDollars | None
    outcome: Outcome
    error_code: str | None


class LocalAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where the process `pid` serves the local model, and the token it wants."""

    url: str
    token: str
    pid: int
