"""What OpenAI's and Anthropic's chat formats have in common: who said what, and what of it is read. Pure.

What a feature decides itself (temperature, length) is not taken from a client; what we do not do is refused,
naming the field: a client that asks for a tool call must not get prose and believe that it was one.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from buttress.gateway.types import Answer
from buttress.kernel.messages import Message, Role
from buttress.server.decoding import parsed
from buttress.server.errors import BodyInvalid, FieldUnsupported

MAX_MESSAGES = 2_000
HINT = 'Send {"model": "FEATURE", "messages": [{"role": "user", "content": "..."}]}.'

T = TypeVar("T")

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""A user, a tenant, a group, a conversation: of one line."""

Nobody = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""A user as clients of these formats send it: empty where they know none."""


class Part(msgspec.Struct, frozen=True):
    """A piece of a message's content; only those of the type `text` are read."""

    type: str
    text: str | None = None


Given = msgspec.Raw | msgspec.UnsetType
"""A field of any JSON of which only matters whether it came."""

Content = str | list[Part] | None


class Said(msgspec.Struct, frozen=True):
    """One message as it came in."""

    role: str
    content: Content = None


class Posed(msgspec.Struct, frozen=True, kw_only=True):
    """A request as both formats mean it.

    `model` is a feature; `ignored` names the fields that came and that it decides itself.
    """

    model: str
    messages: tuple[Message, ...]
    user: str | None
    conversation: str | None
    is_streamed: bool
    ignored: tuple[str, ...]


def decoded(body: bytes, kind: type[T]) -> T:
    """Return the request in `body`.

    Raises:
        BodyInvalid: it is none of that kind; names the field.
    """
    return parsed(body, kind, hint=HINT)


def at(parameter: str) -> dict[str, object]:
    """Return what tells a program which field of a request is meant."""
    return {"param": parameter}


def given_of(request: msgspec.Struct, fields: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return which of `fields` came with `request`."""
    return tuple(one for one in fields.__struct_fields__ if getattr(request, one) is not msgspec.UNSET)


def refuse_asked(asked: Mapping[str, bool]) -> None:
    """Go on where none of the fields is asked for.

    Raises:
        FieldUnsupported: one is; names the first.
    """
    for field, is_asked in asked.items():
        if is_asked:
            raise FieldUnsupported(f"`{field}` is not done for a feature", data=at(field))


def messages_of(said: Sequence[Said], roles: Mapping[str, Role]) -> tuple[Message, ...]:
    """Return what was said, by the roles that a format knows.

    Raises:
        BodyInvalid: too many messages or none, or a role that there is not.
        FieldUnsupported: content that is no text.
    """
    if not 1 <= len(said) <= MAX_MESSAGES:
        message = f"{len(said):,} messages; 1 to {MAX_MESSAGES:,} are taken"
        raise BodyInvalid(message, hint=HINT, data=at("messages"))
    return tuple(_message(f"messages[{number}]", one, roles) for number, one in enumerate(said))


def _message(where: str, said: Said, roles: Mapping[str, Role]) -> Message:
    if said.role not in roles:
        field = f"{where}.role"
        hint = f"There are: {', '.join(roles)}."
        raise BodyInvalid(f"{field} is {said.role[:40]!r}", hint=hint, data=at(field))
    return Message(roles[said.role], text_of(f"{where}.content", said.content))


def text_of(field: str, content: Content) -> str:
    """Return the text of `content`, all its parts joined.

    Raises:
        FieldUnsupported: a part is no text; names `field`.
    """
    if isinstance(content, str):
        return content
    for part in content or ():
        if part.type != "text" or part.text is None:
            message = f"{field} holds a part of type {part.type[:40]!r}, not text"
            raise FieldUnsupported(message, data=at(field))
    return "".join(part.text or "" for part in content or ())


def extension_of(answer: Answer) -> dict[str, object]:
    """Return what these formats have no place for: the field `buttress` of an answer."""
    return {
        "trace_id": answer.trace_id,
        "release": answer.release_id,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "citations": answer.citations,
        "support": answer.support,
        "history": answer.history,
        "model": answer.model,
        "cost_nanodollars": answer.cost_nanodollars,
    }
