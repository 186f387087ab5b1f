"""`buttress models`: the models of models.yaml, one real call to each, and a new one put into the file."""

import asyncio
import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from shutil import copymode
from typing import TypedDict, Unpack

import click
import msgspec
import yaml

from buttress.app.buttress import Buttress
from buttress.app.project import declared_models
from buttress.app.trying import MAX_TOKENS, Tried, asking_once, models_only, try_model
from buttress.cli.failures import DONE, FAILED, CommandMisused
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings, project_folder
from buttress.cli.plain import one_line, safe
from buttress.cli.priced import PER, price_source, rates_said
from buttress.kernel.catalogue import Catalogue, DataPolicy, Ladder, Model, Option, Price, Step
from buttress.kernel.located import did_you_mean
from buttress.kernel.usage import Usage, format_dollars
from buttress.models.adding import Addition, Field, with_model
from buttress.models.providers.building import PROVIDERS
from buttress.settings.loading import Loaded
from buttress.spend.prices import is_free

_NONE_YET = "No models yet: name one in models.yaml, or add one: buttress models add --help"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A model as `--json` tells it. `price` None: unknown, and so is what is None in `policy`."""

    name: str
    provider: str
    id: str
    window_tokens: int
    max_output_tokens: int
    price: Price | None
    price_source: str | None
    policy: DataPolicy
    ladders: tuple[str, ...]


class _Options(TypedDict):
    """The options of `add`."""

    provider: str
    id: str
    base_url: str
    key: str
    path: str
    window_tokens: int | None
    max_output_tokens: int | None
    price: tuple[float, float] | None
    region: str
    retention_days: int | None
    training: bool | None
    told: tuple[str, ...]
    ladder: str
    first: bool
    dry_run: bool


@click.group()
def models() -> None:
    """List the models of models.yaml, try them, add one."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def show(invocation: Invocation, *, as_json: bool) -> None:
    """Print each model with its window, price and data policy, and each ladder with its rungs."""
    catalogue = declared_models(project_folder(invocation))
    listed = [_listed(model, catalogue) for model in catalogue.models.values()]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listed)))
        return
    if not listed:
        click.echo(_NONE_YET, err=True)
    for one in listed:
        click.secho(one_line(one.name), bold=True, nl=False)
        click.echo(f"  {one_line(f'{one.provider} {one.id}'.strip())}")
        window = f"window {one.window_tokens:,} tokens, answers of {one.max_output_tokens:,} at most"
        for said in (window, _price(one), _policy(one.policy)):
            click.echo(f"    {said}")
        click.secho(f"    {one_line(_ladders(one.ladders))}", dim=True)
    for name, ladder in catalogue.ladders.items():
        click.secho(one_line(f"ladder {name}"), bold=True, nl=False)
        click.echo(f"  {one_line(_rungs(ladder))}")


def _listed(model: Model, catalogue: Catalogue) -> Listed:
    return Listed(
        name=model.name,
        provider=model.provider,
        id=model.id,
        window_tokens=model.window_tokens,
        max_output_tokens=model.max_output_tokens,
        price=model.price,
        price_source=price_source(model),
        policy=model.policy,
        ladders=tuple(name for name, ladder in catalogue.ladders.items() if model.name in ladder.names),
    )


def _price(one: Listed) -> str:
    price = one.price
    if price is None:
        return "price unknown: models.yaml does not say it"
    said = "free" if is_free(price) else f"{rates_said(price)} {PER}"
    day = f", {price.date}" if price.date else ""
    more = "; more: buttress prices" if price.tiers or price.request or price.changes else ""
    return f"{said} ({one.price_source}{day}){more}"


def _policy(policy: DataPolicy) -> str:
    days, training = policy.retention_days, policy.training
    said = [
        f"region {policy.region or 'unknown'}",
        "retention unknown" if days is None else f"kept {days:,} days" if days else "not kept",
        "training unknown" if training is None else "trained with" if training else "not trained with",
    ]
    return ", ".join(one_line(one) for one in said)


def _ladders(names: Sequence[str]) -> str:
    return f"ladders: {', '.join(names)}" if names else "on no ladder"


def _rungs(ladder: Ladder) -> str:
    """Return the rungs in the order they are tried; of several on one, which is asked by what."""
    hedged = f"; the next one, too, after {ladder.hedge_after_ms:,} ms" if ladder.hedge_after_ms else ""
    return ", then ".join(_rung(step) for step in ladder.steps) + hedged


def _rung(step: Step) -> str:
    if step.weights:
        shares = zip(step.models, step.weights, strict=True)
        return " or ".join(f"{name} ({weight / sum(step.weights):.0%})" for name, weight in shares)
    return " or ".join(step.models)


@models.command("test")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array when all were asked.")
@click.pass_obj
def try_models(invocation: Invocation, names: tuple[str, ...], *, as_json: bool) -> int:
    """Make one real, short call to each model NAME, or each of a ladder NAME; to all models without one.

    It costs what such a call costs: what is known of that is said before. Ends with 1 when a model failed.
    """
    loaded = loaded_settings(invocation)
    catalogue = declared_models(loaded.project)
    chosen = _chosen(names, catalogue)
    click.echo(_notice([catalogue.models[name] for name in chosen]) if chosen else _NONE_YET, err=True)
    tried = asyncio.run(_try_all(loaded, catalogue, chosen, as_json=as_json))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(tried)))
    return FAILED if any(one.outcome == "failed" for one in tried) else DONE


def _chosen(names: Sequence[str], catalogue: Catalogue) -> list[str]:
    """Return the models that are meant, each once."""
    known = [*catalogue.models, *catalogue.ladders]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "List them: buttress models list"
            raise CommandMisused(f"models.yaml has no model and no ladder `{name}`", hint=hint)
    meant = [model for name in names for model in catalogue.ladder(name).names] if names else catalogue.models
    return list(dict.fromkeys(meant))


def _notice(asked: Sequence[Model]) -> str:
    """Return what is known of the cost before anything is asked."""
    priced = [one.name for one in asked if one.price and not is_free(one.price)]
    unknown = [one.name for one in asked if one.price is None]
    said = [
        *([f"costs money: {', '.join(priced)}"] if priced else []),
        *([f"may cost money, price unknown: {', '.join(unknown)}"] if unknown else []),
    ]
    calls = sum(one.provider != "extractive" for one in asked)
    told = f"{calls:,} real call{'' if calls == 1 else 's'}, {MAX_TOKENS} tokens of answer at most"
    return one_line(f"note: {told}; {'; '.join(said) or 'free'}")


async def _try_all(
    loaded: Loaded, catalogue: Catalogue, names: Sequence[str], *, as_json: bool
) -> list[Tried]:
    tried: list[Tried] = []
    async with Buttress.opened(asking_once(loaded), declared=models_only(catalogue)) as buttress:
        for number, name in enumerate(names, start=1):
            click.secho(f"asking {one_line(name)} ({number} of {len(names)}) ...", dim=True, err=True)
            tried.append(await try_model(buttress, name))
            if not as_json:
                _print(tried[-1])
    return tried


def _print(tried: Tried) -> None:
    name = one_line(tried.model)
    if tried.outcome == "not_asked":
        click.echo(f"{name}  not asked: it quotes documents, and calls nobody")
        return
    if tried.error is None:
        click.secho(f"{name}  ok", fg="green", nl=False)
    else:
        click.secho(f"{name}  {tried.error['code']}", fg="red", nl=False)
    click.echo(f"  {_figures(tried)}")
    if tried.error is not None:
        click.echo(f"    {one_line(str(tried.error['message']))}")
        click.echo(safe(f"    hint: {tried.error['hint']}"))


def _figures(tried: Tried) -> str:
    first = "none" if tried.first_token_ms is None else f"{tried.first_token_ms:,.0f} ms"
    return " · ".join(
        [
            f"first token {first}",
            f"total {tried.duration_ms or 0:,.0f} ms",
            _tokens(tried.usage),
            f"cost {format_dollars(tried.cost_nanodollars)}",
        ]
    )


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return "tokens unknown"
    answered = usage.output + usage.reasoning
    return f"tokens {usage.total - answered:,} in, {answered:,} out"


@models.command("add")
@click.argument("name")
@click.option("--provider", required=True, help=f"Who runs it: {', '.join(sorted(PROVIDERS))}.")
@click.option("--id", default="", help="What the provider calls it; of longtail PROVIDER:ID.")
@click.option("--base-url", default="", metavar="URL", help="Where it is reached, up to and with /v1.")
@click.option("--key", default="", metavar="REFERENCE", help="Where its key is found: env:NAME or file:PATH.")
@click.option("--path", default="", metavar="FILE", help="The GGUF file of a local model.")
@click.option("--window-tokens", type=click.IntRange(min=1), help="Tokens of question and answer together.")
@click.option("--max-output-tokens", type=click.IntRange(min=1), help="Tokens of an answer at most.")
@click.option("--price", type=(float, float), metavar="IN OUT", help="US dollars per million tokens.")
@click.option("--region", default="", help="Where it is processed: eu, us-east-1, ...")
@click.option(
    "--retention-days", type=click.IntRange(min=0), help="How long its provider keeps what it gets."
)
@click.option("--training/--no-training", default=None, help="Whether its provider trains with what it gets.")
@click.option(
    "--option", "told", multiple=True, metavar="NAME=VALUE", help="For longtail: a word to its SDK."
)
@click.option("--ladder", default="", help="A ladder it is to stand on, as the last rung.")
@click.option("--first", is_flag=True, help="As the first rung of that ladder.")
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
@click.pass_obj
def add(invocation: Invocation, /, name: str, **options: Unpack[_Options]) -> None:
    """Add the model NAME to models.yaml, with the file's comments and its order kept."""
    if options["first"] and not options["ladder"]:
        raise CommandMisused("--first says where on a ladder: name it with --ladder")
    project = project_folder(invocation)
    declared_models(project)  # mistakes that are in the file already are told with their lines
    if (project / "features" / name).exists():
        raise CommandMisused(
            f"a feature is called `{one_line(name)}`", hint="Requests name either: take another name."
        )
    path = (project / "models.yaml").resolve()
    before = path.read_bytes() if path.exists() else b""
    addition = Addition(
        name=name, fields=_fields(options), ladder=options["ladder"], is_first=options["first"]
    )
    after = with_model(before.decode(), path, addition, PROVIDERS)
    if options["dry_run"]:
        click.echo(safe(_difference(before.decode(), after)), nl=False)
        return
    _replace(path, after.encode())
    click.echo(f"added {one_line(name)} to models.yaml; try it: buttress models test {one_line(name)}")


def _fields(options: _Options) -> dict[str, Field]:
    """Return what the entry is to say: what was given, in the file's words."""
    price, policy = options["price"], (options["region"], options["retention_days"], options["training"])
    told = dict(zip(("region", "retention_days", "training"), policy, strict=True))
    given: dict[str, Field | None] = {
        "provider": options["provider"],
        "id": options["id"],
        "base_url": options["base_url"],
        "key": options["key"],
        "path": options["path"],
        "window_tokens": options["window_tokens"],
        "max_output_tokens": options["max_output_tokens"],
        "price": dict(zip(("input", "output"), price, strict=True)) if price else None,
        "policy": {name: value for name, value in told.items() if value not in (None, "")},
        "options": dict(_told(one) for one in options["told"]),
    }
    return {name: value for name, value in given.items() if value}


def _told(text: str) -> tuple[str, Option]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise CommandMisused(f"--option {one_line(text)}: this is not NAME=VALUE")
    read = yaml.safe_load(value) if value else ""
    return name, read if isinstance(read, int | float | bool) else value


def _difference(before: str, after: str) -> str:
    old, new = before.splitlines(), after.splitlines()
    lines = difflib.unified_diff(old, new, "models.yaml", "models.yaml", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _replace(path: Path, data: bytes) -> None:
    """Put a file with `data` in the place of that at `path`, in one step: nobody ever reads half of it."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(data)
        if path.exists():
            copymode(path, new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
