"""Who a request comes from, by its key; and what it may ask for."""

import base64
import binascii
from collections.abc import Collection, Iterable

from buttress.access.errors import KeyMissing
from buttress.access.ring import Ring
from buttress.access.scopes import is_scoped, may_ask_feature, may_ask_model, require_name
from buttress.app.buttress import Buttress
from buttress.app.keyring import Keyring
from buttress.kernel.clock import Clock
from buttress.kernel.principal import ANYBODY, Principal
from buttress.server.running import is_local
from buttress.settings.tree import ServerSettings

MAX_KEY_BYTES = 2_048
"""What is longer is no key."""

_PLAIN = (b"x-api-key", b"api-key")
_NAMED = frozenset((*_PLAIN, b"authorization"))


class Gate:
    """Lets requests in, by the keys of `ring`.

    Without a key it lets everybody in where `server.keys` is `never`; where it is `auto`, on an address of
    this machine, and until the first key is made. While no keys were read yet, `auto` takes a project for one
    without keys on an address of this machine only, and unless the ring expects some; else it refuses, since
    a key may have been revoked.
    """

    def __init__(self, ring: Ring, clock: Clock, settings: ServerSettings) -> None:
        self._ring = ring
        self._clock = clock
        self._never = settings.keys == "never"
        self._always = settings.keys == "always" or not (self._never or is_local(settings))

    @property
    def asks_for_keys(self) -> bool:
        """Whether a request needs a key just now."""
        return self._always or (self._ring.has_keys and not self._never)

    def principal_of(self, headers: Iterable[tuple[bytes, bytes]]) -> Principal:
        """Return whom a request with `headers` comes from.

        Raises:
            KeyMissing: it needs a key, and has none.
            KeyUnknown, KeyOver: it has one that is not good.
            StorageUnavailable: no keys are known yet.
        """
        if not self.asks_for_keys:
            return ANYBODY
        text = key_in(headers)
        if text is None:
            raise KeyMissing("this request has no key")
        return self._ring.verify(text, self._clock.now())


def keyring_of(buttress: Buttress) -> Keyring:
    """Return the keys of an open project, none of them read yet."""
    return Keyring(buttress.project, buttress.settings.access.key_secret, buttress.database)


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the key among `headers`, their names in lower case: of several the first that is one of ours.

    It may stand behind `Bearer`, as the password of `Basic` (browsers send that), or in a header of its own.
    """
    given = [key for name, value in headers if name in _NAMED and (key := _key(name, value))]
    return next((one for one in given if one.startswith("bk_")), given[0] if given else None)


def _key(name: bytes, value: bytes) -> str | None:
    if len(value) > MAX_KEY_BYTES:
        return None
    if name in _PLAIN:
        return value.decode("latin-1").strip()
    scheme, _, rest = value.strip().partition(b" ")
    if scheme.lower() == b"basic":
        return _password(rest)
    return rest.decode("latin-1").strip() if scheme.lower() == b"bearer" else None


def _password(encoded: bytes) -> str | None:
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("latin-1").partition(":")[2]
    except binascii.Error:
        return None


def require_askable(name: str, buttress: Buttress, who: Principal) -> None:
    """Go on where `who` may ask for the feature, the model or the ladder called `name`.

    Raises:
        NotAllowed: it is out of scope; or there is none, and the key is not for everything.
    """
    if is_scoped(who):  # the names need not be put together for the others
        require_name(who, name, buttress.releases, _models(buttress))


def require_feature(name: str, buttress: Buttress, who: Principal) -> None:
    """Go on where `who` may ask for the feature called `name`; raises as `require_askable`."""
    require_name(who, name, buttress.releases, ())


def require_ranker(name: str, buttress: Buttress, who: Principal) -> None:
    """Go on where `who` may ask for the model or the ladder called `name`; raises as `require_askable`."""
    if is_scoped(who):
        require_name(who, name, (), _models(buttress))


def askable(names: Iterable[str], features: Collection[str], who: Principal) -> list[str]:
    """Return those of `names` that `who` may ask for; those that are not among `features` are models."""
    return [
        name
        for name in names
        if (may_ask_feature(who, name) if name in features else may_ask_model(who, name))
    ]


def _models(buttress: Buttress) -> list[str]:
    return [name for name in buttress.names if name not in buttress.releases]
