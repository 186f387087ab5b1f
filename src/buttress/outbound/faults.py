"""What can go wrong between here and an upstream. Whoever asks says what it means for its users."""


class Unreachable(Exception):
    """There was no connection: nothing was sent."""


class NoneFree(Unreachable):
    """All connections that there may be were lent to others: nothing is said of the upstream."""


class BrokenOff(Exception):
    """The connection broke after the request was sent, before the answer was whole."""


class NotHttp(Exception):
    """What came back is not HTTP as it should be."""
