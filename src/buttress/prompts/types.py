"""The nouns of prompts."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from buttress.kernel.ids import TraceId
from buttress.kernel.messages import Message, Role

Path = tuple[str, ...]


class Use(msgspec.Struct, frozen=True):
    """A variable that a template uses, on 1-based `line` of its file.

    `path` is the variable and the attributes looked up in it; `*` is an element: `{{ p.text }}` in a loop
    over `passages` is `("passages", "*", "text")`.
    """

    path: Path
    line: int

    @property
    def name(self) -> str:
        """The variable."""
        return self.path[0]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a prompt, still a template.

    It begins on 1-based `line` of its file. `fixed` is the text that is sent whatever the values are.
    """

    role: Role
    source: str
    line: int
    fixed: str = ""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt file, read. `max_tokens` bounds the answer; None leaves it to the stage or the model."""

    name: str
    description: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    sections: tuple[Section, ...]
    uses: tuple[Use, ...] = ()

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables it uses."""
        return frozenset(use.name for use in self.uses)


class Whose(msgspec.Struct, frozen=True):
    """Names one conversation: by the client's id for it, `user` empty where it names none."""

    tenant: str
    user: str
    conversation: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A question and its answer as it was released, in the call of that trace."""

    question: str
    answer: str
    trace_id: TraceId
    said_at: datetime


class Recollection(msgspec.Struct, frozen=True):
    """An older question of a conversation, with its answer: `ordinal` is the question's place, from 0."""

    ordinal: int
    question: str
    answer: str
    said_at: datetime


class Turns(msgspec.Struct, frozen=True):
    """What is known of a conversation: its newest messages, oldest first; `older` is how many come before.

    `summary` tells of the first `summarised` messages. `recollected` are the exchanges that have most to do
    with what is asked, best first; they may be among the newest, too.
    """

    messages: tuple[Message, ...] = ()
    older: int = 0
    summary: str = ""
    summarised: int = 0
    recollected: tuple[Recollection, ...] = ()


Summarise = Callable[[str, Sequence[Message]], Awaitable[str]]
"""Takes the summary so far (empty: none) and the messages behind it; gives the summary of both.

It raises a `ButtressError` where it cannot.
"""
