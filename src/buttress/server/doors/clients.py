"""How clients of each dialect are served: their words read, and answered in."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.models.dialects.chat import request_in as chat_in
from buttress.models.dialects.chat import writing as chat_out
from buttress.models.dialects.messages import request_in as messages_in
from buttress.models.dialects.messages import writing as messages_out
from buttress.models.dialects.responses import request_in as responses_in
from buttress.models.dialects.responses import writing as responses_out
from buttress.models.dialects.types import Body, Said, Told, Writer
from buttress.models.errors import RequestInvalid
from buttress.server.errors import BodyInvalid, status_of

Extra = dict[str, object] | None
Headers = Iterable[tuple[bytes, bytes]]

MAX_HEADER_BYTES = 2_048
"""How long one of a dialect's own headers may be: a beta's name has about thirty characters."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect as its clients speak it.

    `prefix` begins the ids of answers. Of a request `types` says what its fields hold; `turns` is the field
    of what was said, `who` are those of who asks. `headers` are the HTTP headers in which its clients say how
    they want to be understood, in lower case.
    """

    prefix: str
    turns: str
    who: Mapping[str, object]
    types: Mapping[str, object]
    read: Callable[[bytes], Body]
    ignored: Callable[[Body], Sequence[str]]
    writer: Callable[[Told, Body], Writer]
    whole: Callable[[Said, Told, Extra, Body], bytes]
    error: Callable[[ButtressError], bytes]
    headers: tuple[bytes, ...] = ()


CHAT = Client(
    prefix="chatcmpl-",
    turns="messages",
    who={"user": str, "safety_identifier": str},
    types=chat_in.TYPES,
    read=chat_in.read_body,
    ignored=chat_in.ignored,
    writer=lambda told, body: chat_out.ChatWriter(told, wants_usage=body.wants_usage),
    whole=lambda said, told, extra, _: chat_out.whole(said, told, extra),
    error=lambda error: chat_out.error_body(error, status_of(error)),
)
MESSAGES = Client(
    prefix="msg_",
    turns="messages",
    who={"metadata": dict[str, object]},
    types=messages_in.TYPES,
    read=messages_in.read_body,
    ignored=messages_in.ignored,
    writer=lambda told, _: messages_out.MessagesWriter(told),
    whole=lambda said, told, extra, _: messages_out.whole(said, told, extra),
    error=lambda error: messages_out.error_body(error, status_of(error)),
    headers=(b"anthropic-version", b"anthropic-beta"),
)
RESPONSES = Client(
    prefix="resp_",
    turns="input",
    who=CHAT.who,
    types=responses_in.TYPES,
    read=responses_in.read_body,
    ignored=responses_in.ignored,
    writer=responses_out.ResponsesWriter,
    whole=responses_out.whole,
    error=CHAT.error,
)


def read_asked(client: Client, data: bytes, headers: Headers = ()) -> Body:
    """Return the request in `data` that came with `headers`.

    Raises:
        BodyInvalid: it is none of this dialect; names the field.
    """
    try:
        body = client.read(data)
    except RequestInvalid as error:
        raise as_invalid(error) from error
    if not client.headers:
        return body
    return msgspec.structs.replace(body, headers=_picked(headers, client.headers))


def _picked(headers: Headers, names: tuple[bytes, ...]) -> dict[str, str]:
    """Return those of `names`; what one says in several headers stands in one.

    Raises:
        BodyInvalid: one is longer than MAX_HEADER_BYTES, or holds what no header can carry on.
    """
    picked = {}
    for name in names:
        value = b",".join(said for other, said in headers if other == name)
        text = value.decode("latin-1")
        if len(value) > MAX_HEADER_BYTES or not (text.isascii() and text.isprintable()):
            told = f"the header `{name.decode()}` is not text of at most {MAX_HEADER_BYTES:,} characters"
            raise BodyInvalid(told, hint="Send a version and betas as Anthropic's documentation has them.")
        if value:
            picked[name.decode()] = text
    return picked


def as_invalid(error: RequestInvalid) -> BodyInvalid:
    """Return `error` as that of a request that nobody was asked by."""
    return BodyInvalid(error.message, hint=error.hint, data=error.data)
