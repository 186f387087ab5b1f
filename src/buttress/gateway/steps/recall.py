"""Recall: whether an earlier answer is still good."""

from buttress.gateway.call import Call
from buttress.gateway.types import Recalled, Ruled


async def recall(ruled: Ruled, call: Call) -> Recalled:
    """Pass the question on: nothing is cached yet."""
    with call.recorder.span("recall"):
        return Recalled(ruled)
