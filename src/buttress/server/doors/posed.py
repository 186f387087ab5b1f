"""A request in a client's dialect as a feature is asked it. Pure.

What a feature decides itself (temperature, length) is not taken from a client; what we do not do is refused,
naming the field: a client that asks for a tool call must not get prose and believe that it was one.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from buttress.kernel.messages import Message, ModelRequest, TextPart, Thinking
from buttress.models.dialects.known import read_request
from buttress.models.dialects.types import Body
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable
from buttress.releases.chat import Turn, has_system, turn_of
from buttress.releases.types import Release
from buttress.server.decoding import parsed
from buttress.server.doors.clients import CHAT, Client, as_invalid
from buttress.server.errors import BodyInvalid, FieldUnsupported, SystemMessage

MAX_MESSAGES = 2_000
MAX_NAME = 200

DECIDED = frozenset(
    (
        *("temperature", "top_p", "top_k", "seed", "stop", "stop_sequences", "logit_bias"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens"),
        *("reasoning_effort", "reasoning", "thinking", "tool_choice", "parallel_tool_calls"),
    )
)
"""Fields of all dialects that a feature decides itself."""

_JSON = ("response_format", "output_config", "output_format", "text")
"""Where dialects ask for JSON."""

_ANY_LENGTH = {"max_tokens": msgspec.Raw(b"1")}
"""Anthropic's format wants one, and a feature decides it."""

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""A user, a tenant, a group, a conversation: of one line."""

Nobody = Annotated[str, Meta(max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""A user as clients of these formats send it: empty where they know none."""


class _Kept(msgspec.Struct, frozen=True):
    id: Name


class _Who(msgspec.Struct, frozen=True):
    user: Nobody | None = None
    conversation: Name | _Kept | None = None


class Posed(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks a feature. `body` is the request without what `ignored` names, or says who asks."""

    body: Body
    messages: tuple[Message, ...]
    user: str | None
    conversation: str | None
    ignored: tuple[str, ...]


def posed_of(client: Client, body: Body) -> Posed:
    """Return what `body` asks.

    Raises:
        BodyInvalid: it is no request of this dialect; names the field.
        FieldUnsupported: it asks for what is not done for a feature; names the field.
        StateUnsupported: it wants something kept, or builds on something kept, that is not kept here.
    """
    who = _who(body)
    heeded = {*DECIDED, *client.who, "conversation"}
    fields = {name: raw for name, raw in body.fields.items() if name not in heeded}
    rest = msgspec.structs.replace(body, fields=fields)
    asked = _read(client, rest)
    if asked.tools:
        raise _undone("tools")
    if asked.json:
        raise _undone(next(name for name in _JSON if name in fields))
    return Posed(
        body=rest,
        messages=_texts(client, asked.messages),
        user=who.user or None,
        conversation=who.conversation.id if isinstance(who.conversation, _Kept) else who.conversation,
        ignored=(*(name for name in body.fields if name in DECIDED), *client.ignored(rest)),
    )


def _who(body: Body) -> _Who:
    told = {"user": body.user, "conversation": body.fields.get("conversation")}
    return parsed(msgspec.json.encode(told), _Who, hint=f"Each is a text of one line, up to {MAX_NAME} long.")


def _read(client: Client, body: Body) -> ModelRequest:
    try:
        return read_request(msgspec.structs.replace(body, fields=body.fields | _ANY_LENGTH))
    except RequestInvalid as error:
        raise as_invalid(error) from error
    except StateUnsupported as error:
        hint = (
            f"Send the whole conversation in `{client.turns}`; or name it by `conversation`: it is kept then."
        )
        raise StateUnsupported(error.message, hint=hint, data=error.data) from error
    except Untranslatable as error:
        raise _undone(str(error.data["param"])) from error


def _undone(field: str) -> FieldUnsupported:
    return FieldUnsupported(f"`{field}` is not done for a feature", data={"param": field})


def _texts(client: Client, messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return what was said as text; what a model thought is left out."""
    if not 1 <= len(messages) <= MAX_MESSAGES:
        told = f"{len(messages):,} messages; 1 to {MAX_MESSAGES:,} are taken"
        raise BodyInvalid(told, hint="Leave out older ones.", data={"param": client.turns})
    for at, message in enumerate(messages):
        if not all(isinstance(part, TextPart | Thinking) for part in message.parts):
            raise _undone(f"messages[{at}].content" if client is CHAT else client.turns)
    return tuple(Message(message.role, message.content) for message in messages)


def turn_for(release: Release, client: Client, posed: Posed) -> Turn:
    """Return the turn that `posed` asks of `release`.

    Raises:
        FieldUnsupported: the feature takes more than a question.
        SystemMessage: it takes no system message, and there is one.
        BodyInvalid: the last message is not the user's.
    """
    where: dict[str, object] = {"param": client.turns}
    if release.chat is None:
        hint = "Ask it by POST /v1/features/NAME, or declare `chat: {question: NAME}` in its feature.yaml."
        message = f"the input of {release.feature} is more than a question"
        raise FieldUnsupported(message, hint=hint, data=where)
    if release.chat.system == "refuse" and has_system(posed.messages):
        raise SystemMessage(f"the feature {release.feature} takes no system message", data=where)
    turn = turn_of(posed.messages, release.chat)
    if turn is None:
        hint = f"End `{client.turns}` with the question: a message of the role `user`."
        raise BodyInvalid("the last message is not the user's", hint=hint, data=where)
    return turn
