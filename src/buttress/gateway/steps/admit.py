"""Admit: who asks, and what they may see."""

from buttress.gateway.call import Call
from buttress.gateway.types import Admitted, Asked
from buttress.kernel.scope import Scope


async def admit(asked: Asked, call: Call) -> Admitted:
    """Return the question with the asker's scope. Keys, limits and idempotency are not built yet."""
    with call.recorder.span("admit"):
        user = {f"user:{asked.user}"} if asked.user else set()
        groups = {f"group:{group}" for group in asked.groups}
        return Admitted(asked, Scope(asked.tenant, frozenset(user | groups)))
