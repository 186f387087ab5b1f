"""Who a request comes from, by its headers."""

import base64
from typing import Literal

import pytest

from buttress.access.errors import KeyMissing, KeyOver, KeyUnknown
from buttress.access.keys import principal_of, revoked
from buttress.access.ring import Ring
from buttress.access.types import Key
from buttress.kernel.principal import ANYBODY, Principal
from buttress.server.gate import Gate, askable, key_in
from buttress.settings.tree import ServerSettings
from buttress.storage.errors import StorageUnavailable
from buttress.testing.clock import NOON as NOW
from buttress.testing.clock import ManualClock
from tests.unit.access.keyring import SECRET, new_key

TEXT, KEY = new_key(at=NOW, user="ada")
Asks = Literal["auto", "always", "never"]
BEARER = [(b"authorization", f"Bearer {TEXT}".encode())]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nobody listens here


def gate(*held: Key, keys: Asks = "auto", host: str = "127.0.0.1", is_read: bool = True) -> Gate:
    ring = Ring()
    if is_read:
        ring.adopt(held, SECRET)
    settings = ServerSettings(host=host, keys=keys)
    return Gate(ring, ManualClock(), settings)


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        pytest.param(gate(), False, id="on this machine nobody is asked while there is no key"),
        pytest.param(gate(KEY), True, id="on this machine everybody is asked once there is one"),
        pytest.param(gate(revoked(KEY, NOW)), True, id="to revoke the last one opens nothing"),
        pytest.param(gate(host=EVERYWHERE), True, id="where others reach us everybody is asked"),
        pytest.param(gate(keys="always"), True, id="as the settings say"),
        pytest.param(gate(KEY, keys="never"), False, id="nobody is asked where that is said"),
        pytest.param(gate(is_read=False), False, id="a project without a database goes on by itself"),
        pytest.param(gate(is_read=False, keys="always"), True, id="but not where keys are required"),
    ],
)
def test_when_a_key_is_asked_for(given: Gate, *, asks: bool) -> None:
    assert given.asks_for_keys == asks
    if asks:
        with pytest.raises(KeyMissing):
            given.principal_of([(b"host", b"localhost")])
    else:
        assert given.principal_of([]) is ANYBODY
        assert given.principal_of([(b"authorization", b"Bearer whatever")]) is ANYBODY


def test_before_keys_are_read_a_key_cannot_be_judged() -> None:
    with pytest.raises(StorageUnavailable):
        gate(is_read=False, keys="always").principal_of(BEARER)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(BEARER, id="Bearer"),
        pytest.param([(b"authorization", f"bearer  {TEXT} ".encode())], id="bearer, and blanks"),
        pytest.param([(b"x-api-key", TEXT.encode())], id="as Anthropic's clients send it"),
        pytest.param([(b"api-key", TEXT.encode())], id="as Azure's clients send it"),
        pytest.param(
            [(b"authorization", b"Basic " + base64.b64encode(f"any:{TEXT}".encode()))],
            id="as browsers send it",
        ),
        pytest.param([(b"x-api-key", b"sk-other"), *BEARER], id="beside another one that is none of ours"),
    ],
)
def test_a_key_may_stand_in_any_of_the_usual_headers(headers: list[tuple[bytes, bytes]]) -> None:
    assert key_in(headers) == TEXT
    assert gate(KEY).principal_of(headers) == principal_of(KEY)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no headers"),
        pytest.param([(b"authorization", b"")], id="an empty one"),
        pytest.param([(b"authorization", TEXT.encode())], id="without a scheme"),
        pytest.param([(b"authorization", b"Digest " + TEXT.encode())], id="another scheme"),
        pytest.param([(b"authorization", b"Basic ???")], id="no Base64"),
        pytest.param([(b"authorization", b"Bearer " + b"x" * 3_000)], id="an endless one"),
        pytest.param([(b"cookie", TEXT.encode())], id="in another header"),
    ],
)
def test_what_is_no_key(headers: list[tuple[bytes, bytes]]) -> None:
    assert key_in(headers) is None
    with pytest.raises(KeyMissing):
        gate(KEY).principal_of(headers)


def test_a_key_that_is_not_good_is_no_anybody() -> None:
    for headers in ([(b"x-api-key", b"sk-other")], [(b"x-api-key", b"\xff\x00")]):
        with pytest.raises(KeyUnknown):
            gate(KEY).principal_of(headers)
    with pytest.raises(KeyOver):
        gate(revoked(KEY, NOW)).principal_of(BEARER)


def test_names_are_listed_that_may_be_asked() -> None:
    names = ["support", "search", "small", "large"]
    who = Principal(features=frozenset({"support"}), models=frozenset({"small"}))
    assert askable(names, {"support", "search"}, who) == ["support", "small"]
    assert askable(names, {"support", "search"}, ANYBODY) == names
