"""What a model costs, in words."""

from collections.abc import Iterator

from buttress.kernel.catalogue import Change, Model, Price, Rates, Tiered
from buttress.models.declaration import HERE
from buttress.spend.listed import entry_of
from buttress.spend.prices import is_free

PER = "per million tokens"
MODELS_FILE = "models.yaml"

_CACHED = (
    ("cache_read", "read from a cache"),
    ("cache_write", "written to it"),
    ("cache_write_1h", "written to it for an hour"),
    ("reasoning", "thought"),
)


def price_source(model: Model) -> str | None:
    """Return who says what `model` costs; None where nobody does."""
    if model.price is None:
        return None
    return model.price.source or (
        "runs here" if model.provider in HERE and is_free(model.price) else MODELS_FILE
    )


def rates_said(rates: Rates) -> str:
    """Return `$1.25 in, $10 out, $0.125 read from a cache`."""
    named = [(getattr(rates, field), words) for field, words in _CACHED]
    cached = [f"${figure:g} {words}" for figure, words in named if figure is not None]
    return ", ".join([f"${rates.input:g} in", f"${rates.output:g} out", *cached])


def lines_of(price: Price) -> Iterator[str]:
    """Yield what is to be said of a price, the usual call first."""
    yield from _tiered(price)
    if price.request:
        yield f"${price.request:g} a request, beside its tokens"
    if price.batch:
        yield from (f"in a batch: {line}" for line in _tiered(price.batch))
    if price.text_only:
        yield "that of text; what sound costs is not told, and unknown"
    for lane in price.lanes:
        yield from (f"asked for as {lane.name}: {line}" for line in _tiered(lane.price))
    for change in price.changes:
        yield from (f"{_when(change)}: {line}" for line in _tiered(change.price))


def _tiered(tiered: Tiered) -> Iterator[str]:
    yield f"{rates_said(tiered)} {PER}"
    for tier in tiered.tiers:
        yield f"all of it, above {tier.above_tokens:,} tokens of input: {rates_said(tier)}"


def _when(change: Change) -> str:
    if change.daily:
        begin, end = change.daily
        return f"from {begin:%H:%M} to {end:%H:%M} UTC"
    return f"from {change.since} on" if change.since else "else"


def why_unknown(model: Model, list_name: str) -> str:
    """Return why nobody knows what `model` costs."""
    entry = entry_of(model)
    if entry is None:
        return "models.yaml does not say it, and its address is not a known seller's own"
    where = f"{list_name} has no price by tokens for {entry.seller} {entry.model}"
    return f"models.yaml does not say it, and {where}"
