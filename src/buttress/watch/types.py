"""The nouns of watch."""

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["budget", "cost", "latency"]
"""What an alert is about: a budget; a feature's cost target; a feature's latency budget."""

KINDS: tuple[Kind, ...] = ("budget", "cost", "latency")

State = Literal["waiting", "delivered", "given_up"]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody should know.

    `subject` is the name of the budget or feature, `owner` whose account of it (dimension to value), `mark`
    what was reached. Of the same four there is one alert for each `window_start`, and no further one before
    `quiet_until`. `text` says it in one line, `figures` in numbers with the unit in their names. One that is
    not `is_told` only counts as raised: another one said it.
    """

    kind: Kind
    subject: str
    mark: str
    text: str
    figures: dict[str, int | float]
    window_start: datetime
    window_end: datetime | None = None
    quiet_until: datetime
    owner: dict[str, str] = {}
    is_told: bool = True


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How far the webhook of that name is with an alert; `outcome` is what came of the last try."""

    webhook: str
    state: State
    tries: int
    outcome: str
    status: int | None
    next_try_at: datetime


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it was raised."""

    alert_id: str
    raised_at: datetime
    alert: Alert
    deliveries: tuple[Delivery, ...] = ()


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """An alert on its way to one webhook; `tries` counts this one, too."""

    raised: Raised
    webhook: str
    tries: int
    give_up_at: datetime


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of alerts.yaml: `url` and `secrets` are references, or `url` the address itself."""

    name: str
    url: str
    secrets: tuple[str, ...]
    on: tuple[Kind, ...] = KINDS
