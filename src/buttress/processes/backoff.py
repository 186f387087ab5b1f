"""How long to wait before the next start. A pure rule."""

FIRST_S = 0.25
LONGEST_S = 30.0


def restart_delay_s(failures: int) -> float:
    """Return the seconds to wait after `failures` starts in a row that did not last (at least 1).

    A quarter of a second, doubled every time, up to half a minute; it never gives up.
    """
    return min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 20))
