"""Remember: what was said before in the conversation, and what is kept of this call for the next one."""

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.steps.summarise import summariser
from buttress.gateway.types import Asked, History
from buttress.kernel.errors import ButtressError
from buttress.prompts.types import Exchange, Turns, Whose
from buttress.releases.types import Release


async def remembered(asked: Asked, call: Call) -> Turns:
    """Return the turns before the question: the client's own if it sent any, else those that are kept.

    Where they are not there in time the call goes on without, and its trace says why.
    """
    if asked.conversation is None:
        return Turns(asked.history)
    with call.recorder.span("remember") as span:
        if asked.history:
            span.data["turns_of"] = "client"
            return Turns(asked.history)
        try:
            turns = await call.ports.memory.turns(
                _whose(asked, asked.conversation), _said(asked, call.ports.releases[asked.feature])
            )
        except ButtressError as error:
            span.data["reason"] = error.code
            call.history = History(reason=error.code)
            return Turns()
        span.data["turns_of"] = "conversation"
        span.data["turns"] = len(turns.messages)
        span.data["older"] = turns.older
        span.data["summarised"] = turns.summarised
        span.data["recollected"] = 2 * len(turns.recollected)
        return turns


def keep_turn(call: Call) -> None:
    """Keep what was asked and what was released, for the next call of the conversation. Never waits."""
    asked, answer = call.asked, "".join(call.text).strip()
    if asked.conversation is None or not answer:
        return
    exchange = Exchange(
        question=_said(asked, call.ports.releases[asked.feature]),
        answer=answer,
        trace_id=call.trace_id,
        said_at=call.ports.clock.now(),
    )
    call.ports.memory.append(_whose(asked, asked.conversation), exchange, summariser(call))


def _whose(asked: Asked, conversation: str) -> Whose:
    return Whose(asked.tenant, asked.user or "", conversation)


def _said(asked: Asked, release: Release) -> str:
    """Return the question of the input; all of it, as JSON, where it is more than a question."""
    said = asked.input.get(release.chat.question) if release.chat else None
    return said if isinstance(said, str) else msgspec.json.encode(asked.input).decode()
