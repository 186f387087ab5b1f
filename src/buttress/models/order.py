"""What a ladder is to get answered: a request in our own words, or in a client's."""

from functools import cached_property

from buttress.kernel.messages import ModelRequest
from buttress.models.dialects.known import read_request
from buttress.models.dialects.types import Body


class Order:
    """A request; one that came in a client's words is put into ours when somebody needs it, once.

    `body` is the client's; None where the request is ours to begin with.
    """

    def __init__(self, asked: ModelRequest | Body) -> None:
        self._asked = asked

    @property
    def body(self) -> Body | None:
        """The request in the client's own words."""
        return self._asked if isinstance(self._asked, Body) else None

    @cached_property
    def request(self) -> ModelRequest:
        """The request in our words.

        Raises:
            RequestInvalid: it is none in its dialect.
            Untranslatable: it asks for what another dialect has no word for.
        """
        return read_request(self._asked) if isinstance(self._asked, Body) else self._asked

    @property
    def characters(self) -> int:
        """How long it is, for an estimate of its tokens: its messages, or all of a client's body."""
        if isinstance(self._asked, Body):
            return self._asked.size_bytes
        return sum(len(message.content) for message in self._asked.messages)
