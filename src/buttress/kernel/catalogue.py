"""Models and ladders as declared in a project's `models.yaml`."""

import datetime as dt

import msgspec

from buttress.kernel.cached import KeepPolicy


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per million tokens, one figure for each class of `Usage`.

    A class left out costs what its plain side does: cache reads and writes as input, reasoning as output; and
    what a cache keeps for an hour as any other write to it.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    reasoning: float | None = None


class Tier(Rates, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all tokens of a request cost that has more than `above_tokens` of input, cached ones included."""

    above_tokens: int


class Tiered(Rates, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates, and those of longer requests: `tiers`, the shortest first."""

    tiers: tuple[Tier, ...] = ()


class Price(Tiered, frozen=True, kw_only=True, forbid_unknown_fields=True, cache_hash=True):
    """What a model costs: rates per million tokens, and `request` US dollars for each request beside them.

    `batch` is what it costs in a batch, None where that is no other price. `changes` are prices that hold
    from a day on, or in some hours: the last one that holds counts (`spend.prices.in_force`). `lanes` are
    those of requests that ask to be served sooner, or later. A `text_only` one is not that of sound, which
    nobody told. `source` says who said so, and `date` when.
    """

    request: float = 0.0
    batch: Tiered | None = None
    changes: "tuple[Change, ...]" = ()
    lanes: "tuple[Lane, ...]" = ()
    text_only: bool = False
    source: str = ""
    date: dt.date | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Another price: from the day `since` on, or each day from one time (UTC) to before another, `daily`."""

    price: Price
    since: dt.date | None = None
    daily: tuple[dt.time, dt.time] | None = None


class Lane(msgspec.Struct, frozen=True):
    """What a request costs that asks for the lane `name`: `priority`, `flex`, `fast`."""

    name: str
    price: Price


class DataPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider does with what it is sent, as the project was told by it; None where nobody knows.

    `region` is where it is processed ("here": on this machine), `retention_days` how long it is kept,
    `training` whether models are trained with it.
    """

    region: str | None = None
    retention_days: int | None = None
    training: bool | None = None


KEPT_HERE = DataPolicy(region="here", retention_days=0, training=False)
"""That of a model which runs on this machine."""


Option = str | int | float | bool
"""One value of `options`."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `models.yaml`. `key` is a reference to a secret, never the secret.

    `path` is the file of a model that runs here, from the project's folder; empty for the packaged one.

    `price` None means that nobody knows what a call costs: its cost is recorded as unknown, never as 0.

    `backed` is for a weak model: it is asked only what the passages' own sentences can answer, only such
    sentences of it are released, and the quotes that it did not say follow.

    `options` are for the provider `longtail`: what its SDK is told beside the key, a region for example.
    """

    name: str
    provider: str
    id: str = ""
    base_url: str = ""
    key: str = ""
    path: str = ""
    window_tokens: int = 8_192
    max_output_tokens: int = 1_024
    price: Price | None = None
    policy: DataPolicy = DataPolicy()
    backed: bool = False
    options: tuple[tuple[str, Option], ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One rung of a ladder: a model, or several of which one is chosen for each call, the others behind it.

    With `weights`, one for each, chance chooses by them; without, the one that answers soonest is chosen.
    """

    models: tuple[str, ...]
    weights: tuple[float, ...] = ()


class Ladder(msgspec.Struct, frozen=True):
    """Models in the order they are tried.

    With `hedge_after_ms` the next one is asked, too, when the first has said nothing for so long.
    """

    steps: tuple[Step, ...]
    hedge_after_ms: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every model on it, rung by rung."""
        return tuple(name for step in self.steps for name in step.models)


def plain_ladder(*names: str) -> Ladder:
    """Return the ladder with one model on each rung."""
    return Ladder(tuple(Step((name,)) for name in names))


class Catalogue(msgspec.Struct, frozen=True):
    """Every model of a project by name, and every ladder.

    `caches` are those of models and ladders whose answers are kept when they are asked by their names.
    """

    models: dict[str, Model]
    ladders: dict[str, Ladder]
    caches: dict[str, KeepPolicy] = {}

    def ladder(self, name: str) -> Ladder:
        """Return the ladder `name`, or one with the model of that name; an empty one of what is not there."""
        if name in self.ladders:
            return self.ladders[name]
        return plain_ladder(name) if name in self.models else Ladder(())

    def rungs(self, name: str) -> tuple[Model, ...]:
        """Return every model of ladder `name`, or the one model of that name; else nothing."""
        if name in self.ladders:
            return tuple(self.models[one] for one in self.ladders[name].names if one in self.models)
        return (self.models[name],) if name in self.models else ()
