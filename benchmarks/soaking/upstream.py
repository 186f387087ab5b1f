"""What the models of a soak answer, well behaved or at fault as their names say."""

from collections.abc import Callable, Mapping

from buttress.kernel.chance import Chance
from buttress.testing.upstream import Received, Reply

WORDS = tuple(f"Word {number} of this answer. " for number in range(12))
WELL = Reply(chunks=WORDS)
FAULTS: Mapping[str, Reply] = {
    "drip": Reply(chunks=WORDS * 2, chunk_delay_s=0.02),
    "cut": Reply(chunks=WORDS, ending="cut", after=8),
    "stalled": Reply(chunks=WORDS, ending="stall", after=8),
    "malformed": Reply(chunks=WORDS, ending="malformed", after=8),
    "no-done": Reply(chunks=WORDS, ending="no_done", after=8),
    "erring": Reply(chunks=WORDS, ending="error", after=8),
}
SOMETIMES: Mapping[str, Reply] = {
    "limited": Reply(status=429, retry_after="1"),
    "broken": Reply(status=500),
}
"""At fault every second time."""


def script(chance: Chance) -> Callable[[Received], Reply]:
    """Return the script that answers each model by its name."""

    def reply(received: Received) -> Reply:
        model = str(received.body.get("model", ""))
        if model in SOMETIMES and chance.fraction() < 0.5:
            return SOMETIMES[model]
        return FAULTS.get(model, WELL)

    return reply
