"""What a ladder is to get answered: a request in our own words, or in a client's."""

from functools import cached_property
from math import ceil

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import ModelRequest
from buttress.kernel.tokens import TokenCounter
from buttress.models.bounds import Bounds, bounds_of
from buttress.models.dialects.known import read_request
from buttress.models.dialects.texts import told_in_body, told_in_request
from buttress.models.dialects.types import Body
from buttress.models.lanes import lane_of

MAX_COUNTED = 50_000
"""Of so many characters the tokens are counted; those of a longer text are taken to be like them."""


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

    @cached_property
    def _told(self) -> str:
        asked = self._asked
        return told_in_body(asked) if isinstance(asked, Body) else told_in_request(asked)

    def tokens(self, counter: TokenCounter) -> int:
        """Return about how many tokens its text has by `counter`: what is said in it, and its tools.

        Takes a few milliseconds at most, and is for when an upstream did not say. Pictures are not counted.
        """
        told = self._told
        counted = counter.count(told[:MAX_COUNTED])
        return counted if len(told) <= MAX_COUNTED else ceil(counted * len(told) / MAX_COUNTED)

    def lane(self, model: Model) -> str:
        """Return the lane that a client asks `model` for, at a price of its own; empty for the usual one.

        Only a request that goes on in the client's own words asks for one.
        """
        return lane_of(self._asked, model) if isinstance(self._asked, Body) else ""

    def bounds(self, model: Model) -> Bounds:
        """Return how many tokens it can have at `model`, asked and answered; takes a few microseconds."""
        return bounds_of(self._asked, model)
