"""How clients of each dialect are served when they ask a model: their words read, and answered in."""

from collections.abc import Callable, Sequence

import msgspec

from buttress.models.dialects.chat import request_in as chat_in
from buttress.models.dialects.chat import writing as chat_out
from buttress.models.dialects.messages import request_in as messages_in
from buttress.models.dialects.messages import writing as messages_out
from buttress.models.dialects.responses import request_in as responses_in
from buttress.models.dialects.responses import writing as responses_out
from buttress.models.dialects.types import Body, Said, Told, Writer
from buttress.models.errors import RequestInvalid
from buttress.server.errors import BodyInvalid

Extra = dict[str, object] | None


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect as its clients speak it. `prefix` begins the ids of answers."""

    prefix: str
    read: Callable[[bytes], Body]
    ignored: Callable[[Body], Sequence[str]]
    writer: Callable[[Told, Body], Writer]
    whole: Callable[[Said, Told, Extra, Body], bytes]


CHAT = Client(
    prefix="chatcmpl-",
    read=chat_in.read_body,
    ignored=chat_in.ignored,
    writer=lambda told, body: chat_out.ChatWriter(told, wants_usage=body.wants_usage),
    whole=lambda said, told, extra, _: chat_out.whole(said, told, extra),
)
MESSAGES = Client(
    prefix="msg_",
    read=messages_in.read_body,
    ignored=messages_in.ignored,
    writer=lambda told, _: messages_out.MessagesWriter(told),
    whole=lambda said, told, extra, _: messages_out.whole(said, told, extra),
)
RESPONSES = Client(
    prefix="resp_",
    read=responses_in.read_body,
    ignored=responses_in.ignored,
    writer=responses_out.ResponsesWriter,
    whole=responses_out.whole,
)


def read_asked(client: Client, body: bytes) -> Body:
    """Return the request in `body`.

    Raises:
        BodyInvalid: it is none of this dialect; names the field.
    """
    try:
        return client.read(body)
    except RequestInvalid as error:
        raise BodyInvalid(error.message, hint=error.hint, data=error.data) from error
