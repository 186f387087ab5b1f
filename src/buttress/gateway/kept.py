"""An answer as it is kept: what was released, with its pace, and all that is told of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from buttress.caching.flights import Leader
from buttress.caching.keys import Knowledge
from buttress.caching.types import Entry, Key, Meaning
from buttress.gateway.types import History, How, Recollected, Sentence
from buttress.guardrails.withholding import Withheld
from buttress.kernel.cached import CachePolicy
from buttress.kernel.ids import TraceId
from buttress.kernel.passages import Passage
from buttress.kernel.usage import NanoDollars

LONGEST_PAUSE_MS = 2_000.0
"""Where an answer is given at its pace, no pause is longer."""


class KeptSentence(msgspec.Struct, frozen=True):
    """A sentence, and when it was released: milliseconds since its call began."""

    sentence: Sentence
    at_ms: float


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: its sentences, the passages they cite, what was withheld, and what it took.

    `history` tells which of the turns before were sent.
    """

    trace_id: TraceId
    made_at: datetime
    sentences: tuple[KeptSentence, ...]
    passages: tuple[Passage, ...]
    withheld: tuple[Withheld, ...]
    model: str | None
    tokens: int
    cost_nanodollars: NanoDollars | None
    history: History = History()

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

    def pauses_ms(self) -> Iterator[float]:
        """Yield the pause before each sentence, in milliseconds; none before the first."""
        before = self.sentences[0].at_ms if self.sentences else 0.0
        for one in self.sentences:
            yield min(LONGEST_PAUSE_MS, max(0.0, one.at_ms - before))
            before = one.at_ms


class Keeping(msgspec.Struct, kw_only=True):
    """Under what the answer of a call is kept when it ended well; with a `leader`, others hear it meanwhile.

    `knowledge` is what is searched, by its name, as it was when the call began.
    """

    key: Key
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


def entry_of(answer: KeptAnswer, policy: CachePolicy) -> Entry:
    """Return `answer` as the cache keeps it."""
    cited = {one.document_id for kept in answer.sentences for one in kept.sentence.citations}
    return Entry(
        body=msgspec.json.encode(answer),
        made_at=answer.made_at,
        expires_at=answer.made_at + timedelta(seconds=policy.ttl_s),
        cited=tuple(sorted(cited)),
        tokens=answer.tokens,
        cost=answer.cost_nanodollars,
    )


def read_entry(entry: Entry) -> KeptAnswer | None:
    """Return the answer that was kept; None where another version kept it in another form."""
    try:
        return msgspec.json.decode(entry.body, type=KeptAnswer)
    except msgspec.MsgspecError:
        return None
