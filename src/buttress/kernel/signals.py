"""How a process ended, in words. Pure."""

import signal


def signal_name(number: int) -> str:
    """Return `SIGKILL`; `signal 36` for one without a name (real-time ones)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
