"""An answer as it is kept: what was released, with its pace, and all that is told of it."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from buttress.caching.flights import Leader
from buttress.caching.keys import Knowledge
from buttress.caching.types import Entry, Key, Meaning
from buttress.gateway.types import History, How, Mapped, Recollected, Sentence
from buttress.guardrails.withholding import Withheld
from buttress.kernel.cached import CachePolicy, KeepPolicy
from buttress.kernel.errors import UNDECODABLE
from buttress.kernel.ids import TraceId
from buttress.kernel.messages import Delta, Finished
from buttress.kernel.passages import Passage
from buttress.kernel.usage import NanoDollars

LONGEST_PAUSE_MS = 2_000.0
"""Where an answer is given at its pace, no pause is longer."""


class KeptSentence(msgspec.Struct, frozen=True):
    """A sentence, and when it was released: milliseconds since its call began."""

    sentence: Sentence
    at_ms: float


class KeptFrame(msgspec.Struct, frozen=True, tag="frame", kw_only=True):
    """A frame in the upstream's own words, and what of it is known and told again; see `Seen`."""

    data: bytes
    text: str = ""
    is_usage_only: bool = False


class KeptPiece(msgspec.Struct, frozen=True, array_like=True):
    """A piece of what a model said, and when it came: milliseconds since its call began."""

    piece: KeptFrame | Delta | Finished
    at_ms: float


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: which call made it, when, by which model, and what it took."""

    trace_id: TraceId
    made_at: datetime
    model: str | None
    tokens: int
    cost_nanodollars: NanoDollars | None

    def recollected(self, how: How) -> Recollected:
        """Return what a call tells that has its answer from here."""
        return Recollected(
            how=how,
            trace_id=self.trace_id,
            made_at=self.made_at,
            model=self.model,
            tokens=self.tokens,
            cost_nanodollars=self.cost_nanodollars,
        )

    def told(self, how: How) -> dict[str, object]:
        """Return what the step of a call notes that has its answer from here."""
        return {
            "cache": "hit",
            "recalled": how,
            "of": self.trace_id,
            "saved_tokens": self.tokens,
            "saved_nanodollars": self.cost_nanodollars,
        }


class KeptAnswer(Kept, frozen=True, kw_only=True):
    """The answer of a feature: its sentences, the passages they cite, and what was withheld.

    `history` tells which of the turns before were sent, `mapped` how a long text was read.
    """

    sentences: tuple[KeptSentence, ...]
    passages: tuple[Passage, ...]
    withheld: tuple[Withheld, ...]
    history: History = History()
    mapped: Mapped | None = None


class KeptRelay(Kept, frozen=True, kw_only=True):
    """The answer of a model that was asked by its name, as its client was sent it; `Finished` is the last."""

    pieces: tuple[KeptPiece, ...]


K = TypeVar("K", bound=Kept)
M = TypeVar("M", bound=KeptSentence | KeptPiece)


def pauses_ms(moments: Iterable[KeptSentence | KeptPiece]) -> Iterator[float]:
    """Yield the pause before each of `moments`, in milliseconds; none before the first."""
    before: float | None = None
    for one in moments:
        yield 0.0 if before is None else min(LONGEST_PAUSE_MS, max(0.0, one.at_ms - before))
        before = one.at_ms


async def replayed(moments: Sequence[M], *, is_paced: bool) -> AsyncGenerator[M, None]:
    """Yield `moments` again: at once, or with the pauses that they were made with."""
    for one, pause_ms in zip(moments, pauses_ms(moments), strict=True):
        if is_paced and pause_ms:
            await asyncio.sleep(pause_ms / 1000)
        yield one


class Keeping(msgspec.Struct, kw_only=True):
    """Under what the answer of a call is kept when it ended well; with a `leader`, others hear it meanwhile.

    `knowledge` is what is searched, by its name, as it was when the call began; `flight` is under what equal
    calls follow this one: of one state of the knowledge base always, since nothing is forgotten of what is
    still being said.
    """

    key: Key
    flight: Key
    policy: CachePolicy
    knowledge: tuple[str, Knowledge] | None = None
    meaning: Meaning | None = None
    leader: Leader[Sentence, KeptAnswer] | None = None
    sentences: list[KeptSentence] = msgspec.field(default_factory=list)

    def heard(self, sentence: Sentence, at_ms: float) -> None:
        """Note a sentence as it is released."""
        self.sentences.append(KeptSentence(sentence, round(at_ms, 3)))
        if self.leader:
            self.leader.publish(sentence)


def entry_of(answer: Kept, policy: KeepPolicy, cited: tuple[str, ...] = ()) -> Entry:
    """Return `answer` as the cache keeps it; `cited` are the documents that it cites."""
    return Entry(
        body=msgspec.msgpack.encode(answer),
        made_at=answer.made_at,
        expires_at=answer.made_at + timedelta(seconds=policy.ttl_s),
        cited=cited,
        tokens=answer.tokens,
        cost=answer.cost_nanodollars,
    )


def cited_in(answer: KeptAnswer) -> tuple[str, ...]:
    """Return the ids of the documents that an answer cites, or whose passages are told with it.

    Those who may read such a document may be others after it changed; then they must not be told of it.
    """
    cited = {one.document_id for kept in answer.sentences for one in kept.sentence.citations}
    return tuple(sorted(cited | {one.document_id for one in answer.passages}))


def read_entry(entry: Entry, kind: type[K]) -> K | None:
    """Return the answer that was kept; None where another version kept it in another form."""
    try:
        return msgspec.msgpack.decode(entry.body, type=kind)
    except UNDECODABLE:
        return None
