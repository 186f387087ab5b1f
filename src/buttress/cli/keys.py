"""`buttress keys`: who may ask over HTTP. A key's text is shown once, when it is made or rotated."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypedDict, TypeVar, Unpack

import click
import msgspec

from buttress.access.issuing import MAX_GRACE_S, Issued, Shown, Wanted, issue, revoke, rotate, shown
from buttress.access.types import ROLES, Terms
from buttress.app.keyring import Keyring
from buttress.app.storage import project_database
from buttress.cli.failures import CommandMisused
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import one_line
from buttress.kernel.clock import SystemClock
from buttress.kernel.located import did_you_mean
from buttress.settings.loading import FEATURES, Loaded
from buttress.storage.database import Database

T = TypeVar("T")

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LENGTH = re.compile(r"(?P<number>\d{1,7}) ?(?P<unit>[smhd])")
_NONE_YET = "No keys yet: make one: buttress keys create NAME"
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class _Options(TypedDict):
    """The options of `create`."""

    role: str
    tenants: tuple[str, ...]
    user: str | None
    groups: tuple[str, ...]
    features: tuple[str, ...]
    models: tuple[str, ...]
    tags: tuple[str, ...]
    expires: str | None


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke the keys that are asked for over HTTP."""


@keys.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="viewer",
    show_default=True,
    help="Each may what those before.",
)
@click.option("--tenant", "tenants", multiple=True, help="Only this tenant; the first is meant without one.")
@click.option("--user", help="Whoever asks by it is this user.")
@click.option("--group", "groups", multiple=True, help="Whoever asks by it is in this group.")
@click.option("--feature", "features", multiple=True, help="Only this feature, and no model but --model.")
@click.option(
    "--model", "models", multiple=True, help="Only this model or ladder, and no feature but --feature."
)
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="For budgets and reports.")
@click.option("--expires", metavar="LENGTH", help="After so long it is over: 90d, 12h, 30m. Else never.")
@_AS_JSON
@click.pass_obj
def create(invocation: Invocation, /, name: str, *, as_json: bool, **given: Unpack[_Options]) -> None:
    """Make a key called NAME, and print it: it is never shown again.

    Without options it may ask everything in every tenant's name: for a program that knows who its users are.
    """
    now = SystemClock().now()
    wanted = _wanted(name, given, now)

    async def make(keyring: Keyring) -> Issued:
        return await issue(await keyring.store(), wanted, keyring.made_secret(), now)

    loaded = loaded_settings(invocation)
    _print_new(_run(loaded, make), now, as_json=as_json)
    for feature in given["features"]:
        if not (loaded.project / FEATURES / feature).is_dir():
            click.secho(one_line(f"note: no feature is called {feature} here"), fg="yellow", err=True)


@keys.command("list")
@_AS_JSON
@click.pass_obj
def list_keys(invocation: Invocation, *, as_json: bool) -> None:
    """Print the keys, one a line: id, state, role, name, what it is for, and when it was last used."""
    now = SystemClock().now()

    async def found(keyring: Keyring) -> list[Shown]:
        return [shown(key, now) for key in await (await keyring.store()).all()]

    listed = _run(loaded_settings(invocation), found)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listed)))
        return
    for one in listed:
        used = f"used {_ago(one.last_used_at, now)}" if one.last_used_at else "never used"
        name = f"{one.id}  {one.state:<8} {one.terms.role:<10} {one.terms.name}"
        click.echo(one_line(f"{name}  ({_scope(one.terms)}; {used})"))
    if not listed:
        click.echo(_NONE_YET, err=True)


@keys.command()
@click.argument("key_id", metavar="ID")
@_AS_JSON
@click.pass_obj
def show(invocation: Invocation, key_id: str, *, as_json: bool) -> None:
    """Print what the key ID is for, and its secrets by when each was made and ends; not the key itself."""

    async def found(keyring: Keyring) -> Shown:
        return shown(await (await keyring.store()).get(key_id), SystemClock().now())

    _print_one(_run(loaded_settings(invocation), found), as_json=as_json)


@keys.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option(
    "--grace", default="24h", show_default=True, metavar="LENGTH", help="How long the old one stays good."
)
@_AS_JSON
@click.pass_obj
def rotate_key(invocation: Invocation, key_id: str, grace: str, *, as_json: bool) -> None:
    """Give the key ID another secret, and print it: it is never shown again."""
    now, left = SystemClock().now(), _length(grace)
    if left > timedelta(seconds=MAX_GRACE_S):
        raise CommandMisused(f"--grace {grace} is longer than {MAX_GRACE_S // 86_400} days")

    async def turn(keyring: Keyring) -> Issued:
        return await rotate(await keyring.store(), key_id, left, keyring.made_secret(), now)

    _print_new(_run(loaded_settings(invocation), turn), now, as_json=as_json)


@keys.command("revoke")
@click.argument("key_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_AS_JSON
@click.pass_obj
def revoke_key(invocation: Invocation, key_id: str, *, yes: bool, as_json: bool) -> None:
    """End the key ID: within a second nobody is let in by it. It cannot be taken back."""
    loaded = loaded_settings(invocation)

    async def found(keyring: Keyring) -> Shown:
        return shown(await (await keyring.store()).get(key_id), SystemClock().now())

    async def end(keyring: Keyring) -> Shown:
        now = SystemClock().now()
        return shown(await revoke(await keyring.store(), key_id, now), now)

    if not yes:
        name = one_line(_run(loaded, found).terms.name)
        click.confirm(f"Revoke the key {key_id} ({name})?", abort=True, err=True)
    _print_one(_run(loaded, end), as_json=as_json)


def _run(loaded: Loaded, work: Callable[[Keyring], Awaitable[T]]) -> T:
    """Return what `work` returns that is given the project's keys, with its database open."""

    async def opened() -> T:
        async with project_database(loaded, SystemClock()) as database:

            async def open_database() -> Database:
                return database

            return await work(Keyring(loaded.project, loaded.tree.access.key_secret, open_database))

    return asyncio.run(opened())


def _wanted(name: str, given: _Options, now: datetime) -> Wanted:
    is_scoped = bool(given["features"] or given["models"])
    fields = {
        "name": name,
        "role": given["role"],
        "tenants": given["tenants"] or None,
        "user": given["user"],
        "groups": given["groups"],
        "features": given["features"] if is_scoped else None,
        "models": given["models"] if is_scoped else None,
        "tags": dict(_tag(one) for one in given["tags"]),
        "expires_at": _later(now, given["expires"]) if given["expires"] else None,
    }
    try:
        return msgspec.convert(fields, Wanted)
    except msgspec.ValidationError as error:
        raise CommandMisused(f"no such key can be made: {error}") from error


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise CommandMisused(f"--tag {text!r} is not NAME=VALUE", hint="Write it like --tag team=growth.")
    return name, value


def _later(now: datetime, length: str) -> datetime:
    try:
        return now + _length(length)
    except OverflowError:
        raise CommandMisused(
            f"{length} from now is behind the end of the calendar", hint="Leave it out: never."
        ) from None


def _length(text: str) -> timedelta:
    found = _LENGTH.fullmatch(text)
    if found is None:
        hint = did_you_mean(text, ["90d", "24h"]) or "Write it like 90d, 12h, 30m or 45s."
        raise CommandMisused(f"{text!r} is no length of time", hint=hint)
    return timedelta(seconds=int(found["number"]) * _UNITS[found["unit"]])


def _print_new(issued: Issued, now: datetime, *, as_json: bool) -> None:
    """Print a new key: its text alone on standard output, so that it can be piped."""
    one = shown(issued.key, now, issued.text)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(one)))
        return
    click.echo(issued.text)
    click.echo(one_line(f"{one.terms.name}: {one.id}, role {one.terms.role}, {_scope(one.terms)}"), err=True)
    for secret in one.secrets[:-1]:
        click.echo(f"the one before it is good until {_moment(secret.expires_at)}", err=True)
    click.echo("Keep it: it is not stored, and never shown again.", err=True)


def _print_one(one: Shown, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(one)))
        return
    click.secho(one_line(f"{one.id}  {one.terms.name}"), bold=True)
    facts = {
        "state": one.state,
        "role": one.terms.role,
        "for": _scope(one.terms),
        "made": _moment(one.created_at),
        "expires": _moment(one.expires_at),
        "revoked": _moment(one.revoked_at),
        "last used": _moment(one.last_used_at),
        "secrets": ", ".join(f"of {_moment(each.made_at)}{_until(each.expires_at)}" for each in one.secrets),
    }
    for name, value in facts.items():
        click.echo(one_line(f"  {name:<10} {value}"))


def _scope(terms: Terms) -> str:
    """Return what a key is for, in a few words."""
    parts = [
        *_named("features", terms.features),
        *_named("models", terms.models),
        *_named("tenants", terms.tenants),
        *([f"user {terms.user}"] if terms.user else []),
        *_named("groups", terms.groups or None),
        *(f"{name}={value}" for name, value in terms.tags.items()),
    ]
    return ", ".join(parts) or "everything"


def _named(what: str, names: Sequence[str] | None) -> list[str]:
    return [] if names is None else [f"{what} {' '.join(names) or 'none'}"]


def _moment(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "never"


def _until(moment: datetime | None) -> str:
    return f" until {_moment(moment)}" if moment else ""


def _ago(moment: datetime, now: datetime) -> str:
    seconds = max(0, round((now - moment).total_seconds()))
    for unit, length in reversed(_UNITS.items()):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"
