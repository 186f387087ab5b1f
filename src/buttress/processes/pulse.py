"""Whether a child hangs, judged by the beats that it gives from inside its event loop. Pure rules.

Looks of the supervisor are counted, not seconds of a clock: while the supervisor does not run itself (a
suspended laptop, Ctrl-Z) it does not look, so nobody is found silent when it wakes.
"""

import math

import msgspec

LOOK_EVERY_S = 1.0
"""How often a supervisor looks; as often as a child beats."""
SILENT_LOOKS = 5
"""After so many looks without a beat others are told that the child is silent."""
LEAST_LOOKS = 3
"""Nobody is taken for hung sooner: a beat may come late, and two looks fall between two beats."""


class Pulse(msgspec.Struct, frozen=True):
    """The last beat that was seen, and how many looks in a row have found no newer one."""

    last: int | None = None
    silent_looks: int = 0

    @property
    def silent_s(self) -> float:
        """How long it has been silent, in seconds of looking."""
        return self.silent_looks * LOOK_EVERY_S

    @property
    def is_silent(self) -> bool:
        """Whether others should know that nothing is heard of it."""
        return self.silent_looks >= SILENT_LOOKS


def after_look(pulse: Pulse, beat: int | None) -> Pulse:
    """Return the pulse after one more look, which found `beat`.

    None, where a beat cannot be read or not be given (a disk that cannot be written), proves nothing: the
    count begins anew.
    """
    if beat is None or beat != pulse.last:
        return Pulse(last=beat)
    return Pulse(last=beat, silent_looks=pulse.silent_looks + 1)


def is_hung(pulse: Pulse, hang_timeout_s: float) -> bool:
    """Say whether it has been silent for `hang_timeout_s` seconds of looking; never for 0."""
    looks = max(LEAST_LOOKS, math.ceil(hang_timeout_s / LOOK_EVERY_S))
    return hang_timeout_s > 0 and pulse.silent_looks >= looks
