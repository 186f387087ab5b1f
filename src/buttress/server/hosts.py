"""Under which names a server may be asked: no web page must reach it through a visitor's browser. Pure.

A page can give its own name this machine's address (DNS rebinding); the browser then takes our answers for
the page's. But it still says the page's name in `Host`. Only names can be made to lead here, no addresses.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from buttress.server.errors import HostRefused, NoHttp
from buttress.server.page.errors import CrossSite

_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[^\s:/?#@\[\]\\]{1,255}))(?::[0-9]{0,5})?")
_LOCAL_NAME = "localhost"

Headers = Sequence[tuple[bytes, bytes]]


def require_host(headers: Headers, version: str, reached_at: str, allowed: tuple[str, ...]) -> None:
    """Go on where the `Host` of a request of that HTTP version is one that may be asked for.

    `reached_at` is the address of ours that the connection came in on. On a loopback one `localhost`,
    loopback addresses and the names `allowed` are; on another one each address is, too, and each name where
    none is `allowed`. HTTP/1.0 needs no `Host`; browsers always send one.

    Raises:
        HostRefused: it is another one.
        NoHttp: there are two, there is none, or it cannot be one.
    """
    given = [value for name, value in headers if name == b"host"]
    if not given and version == "1.0":
        return
    if len(given) != 1:
        raise NoHttp(f"the request has {len(given)} headers `Host`; HTTP/1.1 wants one")
    if not _is_taken(given[0], reached_at, allowed):
        raise HostRefused(f"this server is not asked under the name {given[0][:200].decode('latin-1')!r}")


def require_asked(headers: Headers, method: str) -> None:
    """Go on unless a page of another site may have posted this without the browser having asked us first.

    Browsers say where a request comes from, and ask before they send JSON elsewhere; but they do not ask
    before a page posts plain text, which reads as JSON as well: its visitor's models would be asked and paid.

    Raises:
        CrossSite: it may be one.
    """
    if method != "POST":
        return
    sites = [value for name, value in headers if name == b"sec-fetch-site"]
    if not sites or sites[0] in (b"same-origin", b"none"):
        return
    kinds = [value for name, value in headers if name == b"content-type"]
    if not kinds or kinds[0].partition(b";")[0].strip().lower() != b"application/json":
        raise CrossSite("this request may come from another web site")


@lru_cache(maxsize=1_024)  # most requests have the same few
def _is_taken(value: bytes, reached_at: str, allowed: tuple[str, ...]) -> bool:
    host, is_local = _name_of(value.decode("latin-1")), _is_loopback(_address(reached_at))
    return _is_ours(host, is_local=is_local) or host in _known(allowed) or not (is_local or allowed)


def _name_of(value: str) -> str:
    """Return the host in a header's value: lower case, without port, brackets, and a dot at its end."""
    found = _HOST.fullmatch(value.strip())
    if found is None:
        raise NoHttp(f"`Host: {value[:200]!r}` names no host")
    return (found["v6"] or found["name"]).lower().removesuffix(".")


def _is_ours(host: str, *, is_local: bool) -> bool:
    address = _address(host)
    return host == _LOCAL_NAME or (address is not None and (not is_local or _is_loopback(address)))


def _known(allowed: Collection[str]) -> set[str]:
    return {name.lower().removesuffix(".") for name in allowed}


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `host` is, IPv4 where it is written as IPv6; None for a name."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_loopback(address: IPv4Address | IPv6Address | None) -> bool:
    return address is not None and address.is_loopback
