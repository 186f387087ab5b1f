"""`buttress prices`: what each model costs and who says so; the packaged price list; where they differ."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

import click
import msgspec
from typing_extensions import override

from buttress.app.project import declared_models
from buttress.cli.failures import DONE, FAILED, CommandMisused
from buttress.cli.main import Invocation
from buttress.cli.opening import project_folder
from buttress.cli.plain import one_line
from buttress.cli.priced import lines_of, price_source, why_unknown
from buttress.kernel.catalogue import Model, Price, Rates
from buttress.kernel.clock import SystemClock
from buttress.kernel.located import did_you_mean
from buttress.models.declaration import HERE
from buttress.spend.listed import entry_of
from buttress.spend.prices import in_force, is_free
from buttress.spend.pricing import list_version

if TYPE_CHECKING:
    from buttress.spend.price_list import Offer

MAX_FOUND = 40
"""So many entries of the list are shown."""

_NONE_YET = "No models yet: name one in models.yaml, or add one: buttress models add --help"
_OLD_DAYS = 90


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A model as `--json` tells it; `price` in US dollars per million tokens, None: `unknown` says why."""

    name: str
    provider: str
    id: str
    price: Price | None
    source: str | None
    date: date | None
    unknown: str | None


class _OrList(click.Group):
    """Without one of its commands, `list` is meant."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Group`."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["list", *args])


@click.group(cls=_OrList, context_settings={"ignore_unknown_options": True})
def prices() -> None:
    """Show what models cost: `buttress prices [MODEL]...` is `buttress prices list [MODEL]...`."""


@prices.command("list")
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def show(invocation: Invocation, names: tuple[str, ...], *, as_json: bool) -> None:
    """Print what each MODEL of models.yaml, or of a ladder, costs, and who says so; without one all."""
    listed = [_priced(model) for model in _chosen(invocation, names)]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listed)))
        return
    if not listed:
        click.echo(_NONE_YET, err=True)
    for one in listed:
        click.secho(one_line(one.name), bold=True, nl=False)
        click.echo(f"  {one_line(f'{one.provider} {one.id}'.strip())}")
        for line in _lines(one):
            click.echo(f"    {one_line(line)}")


def _chosen(invocation: Invocation, names: Sequence[str]) -> list[Model]:
    catalogue = declared_models(project_folder(invocation))
    known = [*catalogue.models, *catalogue.ladders]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "List them: buttress models list"
            raise CommandMisused(f"models.yaml has no model and no ladder `{one_line(name)}`", hint=hint)
    meant = [model for name in names for model in catalogue.ladder(name).names] if names else catalogue.models
    return [catalogue.models[name] for name in dict.fromkeys(meant)]


def _priced(model: Model) -> Priced:
    price = model.price
    return Priced(
        name=model.name,
        provider=model.provider,
        id=model.id,
        price=price,
        source=price_source(model),
        date=price.date if price else None,
        unknown=None if price else why_unknown(model, _list_name()),
    )


def _list_name() -> str:
    return f"genai-prices {list_version()}".strip()


def _lines(one: Priced) -> Iterator[str]:
    if one.price is None:
        yield f"price unknown: {one.unknown}"
        yield "hint: say it in models.yaml: `price: {input: 1.25, output: 10}`, US dollars per million tokens"
        return
    yield from ("free",) if is_free(one.price) else lines_of(one.price)
    yield f"says {one.source}" + (f", as of {one.date}" if one.date else "")


@prices.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def find(name: str, *, as_json: bool) -> int:
    """Search the packaged price list for NAME, a part of a model's or a seller's name."""
    from buttress.spend.price_list import offers_like  # noqa: PLC0415 - heavy, and for this command only

    offers = list(offers_like(name, _today()))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(offers)))
        return DONE if offers else FAILED
    for offer in islice(offers, MAX_FOUND):
        click.secho(one_line(offer.entry.model), bold=True, nl=False)
        click.echo(f"  {offer.entry.seller}")
        for line in _offered(offer):
            click.echo(f"    {line}")
    if len(offers) > MAX_FOUND:
        click.echo(f"... and {len(offers) - MAX_FOUND:,} more: name it more exactly", err=True)
    if not offers:
        click.echo(f"{_list_name()} has nothing that is called like `{one_line(name)}`", err=True)
    return DONE if offers else FAILED


def _offered(offer: "Offer") -> Iterator[str]:
    if offer.price is None:
        yield "not priced by tokens alone"
        return
    yield from ("free",) if is_free(offer.price) else lines_of(offer.price)


@prices.command()
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Say where prices of models.yaml differ from the packaged list, and how old that is."""
    from buttress.spend.price_list import list_date, offer_of  # noqa: PLC0415 - heavy, for this command only

    today = _today()
    for model in _chosen(invocation, ()):
        entry = entry_of(model)
        offer = offer_of(entry, today) if entry else None
        for line in _compared(model, offer.price if offer else None):
            click.echo(one_line(f"{model.name}: {line}"))
    newest = list_date(today)
    days = (today - newest).days
    click.echo(f"{_list_name()}: its last change is of {newest}, {days:,} days ago")
    if days > _OLD_DAYS:
        click.echo("hint: pip install --upgrade genai-prices", err=True)


def _compared(model: Model, listed: Price | None) -> Iterator[str]:
    if model.price is None:
        yield f"price unknown: {why_unknown(model, _list_name())}"
    elif model.provider in HERE and is_free(model.price):
        yield "runs here, and costs nothing"
    elif listed is None:
        yield "as models.yaml says; the list does not know it"
    else:
        present = in_force(listed, SystemClock().now()) or listed
        yield from list(_differences(model.price, present)) or ("as in the list",)


def _differences(own: Price, listed: Price) -> Iterator[str]:
    """Yield each figure that the two do not agree on, of the usual call and of longer ones."""
    yield from _differing("", own, listed)
    if own.request != listed.request:
        yield f"request: ${own.request:g} here, ${listed.request:g} in the list"
    tiers = [{tier.above_tokens: tier for tier in price.tiers} for price in (own, listed)]
    for above in sorted(tiers[0].keys() | tiers[1].keys()):
        at = f"above {above:,} tokens "
        yield from _differing(at, tiers[0].get(above, own), tiers[1].get(above, listed))


def _differing(at: str, own: Rates, listed: Rates) -> Iterator[str]:
    for name in Rates.__struct_fields__:
        here, there = getattr(own, name), getattr(listed, name)
        if here != there:
            yield f"{at}{name}: {_figure(here)} here, {_figure(there)} in the list"


def _figure(figure: float | None) -> str:
    return "not said" if figure is None else f"${figure:g}"


def _today() -> date:
    return SystemClock().now().date()
