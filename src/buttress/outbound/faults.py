"""What can go wrong between here and an upstream. Whoever asks says what it means for its users."""

import os
import socket
import ssl


class Unreachable(Exception):
    """There was no connection: nothing was sent."""


class NoneFree(Unreachable):
    """All connections that there may be were lent to others: nothing is said of the upstream."""


class BrokenOff(Exception):
    """The connection broke after the request was sent, before the answer was whole."""


class NotHttp(Exception):
    """What came back is not HTTP as it should be."""


class Barred(Exception):
    """It leads to where nobody may ask for an address from outside."""


class TooMuch(Exception):
    """The answer is longer than whoever asked takes."""


class TookTooLong(Exception):
    """The answer was not whole in the time there is for it."""


def why_unreachable(fault: Unreachable) -> str:
    """Return why there was no connection, without the address that the system's own words hold."""
    match fault.__cause__:
        case None:
            return str(fault)
        case ConnectionRefusedError():
            return "the connection was refused"
        case socket.gaierror():
            return "its name is not known"
        case ssl.SSLError():
            return "no encryption could be agreed on, or its certificate is not trusted"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return "there was no connection"
