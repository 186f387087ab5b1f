"""Where a request goes: a URL taken apart, once for each. Pure."""

from functools import lru_cache
from urllib.parse import quote, urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443}
_AS_IT_IS = "/:@!$&'()*+,;=-._~%?"
"""What a path and a query may hold beside letters and digits; the rest is percent-encoded."""


class AddressInvalid(Exception):
    """What should be an address to ask is none. The message does not hold it: it may hold a password."""


class Origin(msgspec.Struct, frozen=True):
    """A server: two requests to one origin may share a connection. `host` is in ASCII, without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def host_header(self) -> str:
        """Return it as the header `Host` names it: without the port where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_encrypted(self) -> bool:
        """Whether it is asked over TLS."""
        return self.scheme == "https"


class Address(msgspec.Struct, frozen=True):
    """An origin, and the path with its query as the request line has it."""

    origin: Origin
    target: str


@lru_cache(maxsize=1_024)
def parse_address(url: str) -> Address:
    """Return where `url` leads.

    Raises:
        AddressInvalid: it is no absolute http(s) URL, or holds a user.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except (ValueError, UnicodeError):
        raise AddressInvalid("not a URL") from None
    if parts.scheme not in _PORTS or not host or parts.username is not None or " " in host:
        raise AddressInvalid("not an absolute http(s) URL without a user")
    query = f"?{parts.query}" if parts.query else ""
    target = quote((parts.path or "/") + query, safe=_AS_IT_IS)
    return Address(Origin(parts.scheme, host, port), target)
