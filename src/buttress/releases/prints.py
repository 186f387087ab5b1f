"""What functions print: to standard error, where the logs are, and no more of it than a log can bear."""

import os
import sys
import threading

MAX_PRINTED_BYTES = 64_000
"""So much of what is printed during one call is passed on."""

_CUT = b"\n(a function of the rules prints more than is shown)\n"
_END_S = 1.0


class Prints:
    """Takes the place of standard output and error of this process; a thread passes on what is printed.

    Where a library keeps the thread from running the pipe fills, and the function waits until it is late.
    """

    def __init__(self) -> None:
        self._left = MAX_PRINTED_BYTES
        self._out = os.dup(2)
        self._printed, pipe = os.pipe()
        os.dup2(pipe, 1)
        os.dup2(pipe, 2)
        os.close(pipe)
        sys.stdout = sys.stderr
        self._thread = threading.Thread(target=self._pass_on, daemon=True, name="prints")
        self._thread.start()

    def begin(self) -> None:
        """Another call begins: it may print as much as the one before."""
        self._left = MAX_PRINTED_BYTES

    def end(self) -> None:
        """Pass on what is left; nothing can be printed any more."""
        sys.stderr.flush()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os.close(nothing)
        self._thread.join(_END_S)

    def _pass_on(self) -> None:
        while data := os.read(self._printed, 65_536):
            left = self._left
            self._left = max(0, left - len(data))
            _write(self._out, data[:left] + (_CUT if 0 < left < len(data) else b""))


def _write(out: int, data: bytes) -> None:
    while data:
        data = data[os.write(out, data) :]
