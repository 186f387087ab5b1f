"""How connections are made."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.clock import Clock
from buttress.storage.connecting import Connector, parse_url
from buttress.storage.errors import StorageUnavailable, UrlInvalid
from buttress.storage.settings import StorageSettings


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("mysql://user:hunter2@host/db", id="another database"),
        pytest.param("env:DATABASE_URL", id="a reference nobody resolved"),
        pytest.param("postgresql://user:hunter2@[::1/db", id="an open bracket"),
        pytest.param("postgresql://user:hunter2@host/db?no_such=1", id="an unknown option"),
        pytest.param("postgresql://user:hunter2@ho%zzst/db", id="a broken escape"),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    """The message goes to logs and terminals."""
    with pytest.raises(UrlInvalid) as caught:
        parse_url(url)
    assert "hunter2" not in str(caught.value.as_dict())


@given(st.text())
def test_a_url_is_read_or_refused_never_anything_else(rest: str) -> None:
    """Whatever somebody writes into the settings."""
    with suppress(UrlInvalid):
        assert isinstance(parse_url(f"postgresql://{rest}"), dict)


def test_parameters_of_the_url_win_and_options_are_added_to(clock: Clock) -> None:
    """A URL may name its own application and its own server settings."""
    url = "postgresql://u@h/d?application_name=mine&options=-c%20search_path%3Dx"
    found = Connector(StorageSettings(database_url=url, statement_timeout_s=1.5), clock, None).conninfo
    assert "application_name=mine" in found
    assert "options='-c search_path=x -c statement_timeout=1500 -c timezone=UTC'" in found


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


async def test_a_database_that_says_nothing_is_given_up_in_time(silent_port: int, clock: Clock) -> None:
    """And named without its password."""
    url = f"postgresql://u:hunter2@127.0.0.1:{silent_port}/d"
    connector = Connector(StorageSettings(database_url=url, connect_timeout_s=0.2), clock, None)
    begun = clock.monotonic()
    with pytest.raises(StorageUnavailable, match=r"u:\*\*\*@127\.0\.0\.1"):
        await connector.connect()
    assert clock.monotonic() - begun < 2


async def test_nobody_there_is_heard_at_once(tmp_path: Path, clock: Clock) -> None:
    """No timeout has to pass."""
    url = f"postgresql://u@/d?host={tmp_path}"
    with pytest.raises(StorageUnavailable, match="no connection to"):
        await Connector(StorageSettings(database_url=url), clock, None).connect()


async def test_a_wrong_database_is_said_on_one_line(fresh_url: str, clock: Clock) -> None:
    """What the server answered is in the message."""
    settings = StorageSettings(database_url=fresh_url.replace("/test_", "/no_such_"))
    with pytest.raises(StorageUnavailable, match="does not exist"):
        await Connector(settings, clock, None).connect()
