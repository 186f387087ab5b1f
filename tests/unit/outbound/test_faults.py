"""`outbound.faults`: why there was no connection, in words that anybody may read."""

import errno
import socket
import ssl

import pytest

from buttress.outbound.faults import Unreachable, why_unreachable


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        pytest.param(None, "no connection within 2 s", id="our own words"),
        pytest.param(ConnectionRefusedError(111, "10.0.0.3"), "the connection was refused", id="refused"),
        pytest.param(socket.gaierror(-2, "10.0.0.3"), "its name is not known", id="no such name"),
        pytest.param(ssl.SSLCertVerificationError(1, "10.0.0.3"), "no encryption", id="its certificate"),
        pytest.param(OSError(errno.EHOSTUNREACH, "10.0.0.3"), "No route to host", id="the system's words"),
        pytest.param(OSError("10.0.0.3 and 10.0.0.4"), "there was no connection", id="several at once"),
    ],
)
def test_why_there_was_no_connection_is_told_without_an_address(cause: OSError | None, told: str) -> None:
    fault = Unreachable("no connection within 2 s" if cause is None else f"at 10.0.0.3: {cause}")
    fault.__cause__ = cause
    said = why_unreachable(fault)
    assert told in said
    assert "10.0.0" not in said
