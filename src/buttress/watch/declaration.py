"""Reading alerts.yaml: which webhook is told of what. Mistakes are values, all at once. Pure.

webhooks:
  ops:     {url: "https://ops.example/hooks/buttress", secret: env:OPS_WEBHOOK_SECRET}
  finance: {url: env:FINANCE_WEBHOOK_URL, secret: [env:NEW_SECRET, env:OLD_SECRET], on: [budget, cost]}
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.kernel.errors import Mistake
from buttress.kernel.located import Located, convert_all, read_entries
from buttress.kernel.secrets import parse_reference
from buttress.outbound.addresses import AddressInvalid, parse_address
from buttress.outbound.networks import is_barred
from buttress.watch.types import KINDS, Kind, Route

WEBHOOKS = "webhooks"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SECRET_HINT = "Write where it is found: `secret: env:NAME` or `file:PATH`; two while it is being replaced."  # noqa: S105 - no secret
_URL_HINT = "Write an absolute http(s) URL without a password, or where it is found: `env:NAME`, `file:PATH`."


class RouteEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One webhook as it stands in the file; see `Route`."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000)]
    secret: str | Annotated[list[str], Meta(min_length=1, max_length=2)]
    on: Annotated[tuple[Kind, ...], Meta(min_length=1)] = KINDS


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; webhooks are read one by one."""

    webhooks: Annotated[dict[str, object], Meta(max_length=100)] = {}


def read_routes(text: str, path: Path) -> tuple[Route, ...] | list[Mistake]:
    """Return the webhooks of `text`, the content of alerts.yaml at `path`, by name; or all its mistakes."""
    return read_entries(text, path, Declaration, _route)


def _route(located: Located, name: str) -> Route | list[Mistake]:
    entry = convert_all(located, RouteEntry, WEBHOOKS, name)
    if isinstance(entry, list):
        return entry
    secrets = (entry.secret,) if isinstance(entry.secret, str) else tuple(entry.secret)
    route = Route(name=name, url=entry.url, secrets=secrets, on=tuple(dict.fromkeys(entry.on)))
    return list(_odd(located, route)) or route


def _odd(located: Located, route: Route) -> Iterator[Mistake]:
    """Yield what is wrong with a webhook whose values each are of the right kind; no secret is repeated."""
    name = route.name
    if not _NAME.fullmatch(name):
        where = located.at(WEBHOOKS, name)
        yield Mistake(where, f"{WEBHOOKS}: `{name[:40]}` is no name", "Use letters, digits, and . _ -.")
    if any(parse_reference(one) is None for one in route.secrets):
        message = f"{WEBHOOKS}.{name}.secret: not where a secret is found"
        yield Mistake(located.at(WEBHOOKS, name, "secret"), message, _SECRET_HINT)
    if wrong := _wrong_url(route.url):
        where = located.at(WEBHOOKS, name, "url")
        yield Mistake(where, f"{WEBHOOKS}.{name}.url: {wrong}", _URL_HINT)


def _wrong_url(url: str) -> str:
    if parse_reference(url):
        return ""
    try:
        host = parse_address(url).origin.host
    except AddressInvalid as fault:
        return str(fault)
    return "an address of a cloud's own services, where nobody is told" if _is_barred(host) else ""


def _is_barred(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return is_barred(host)
