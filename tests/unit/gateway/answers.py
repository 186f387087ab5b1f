"""An `AnswerCache` in memory, of the real parts but the database."""

from collections.abc import Sequence

from buttress.caching.flights import Flights, Follower, Leader
from buttress.caching.keys import Knowledge
from buttress.caching.memory import MemoryAnswers
from buttress.caching.types import Entry, Key, Meaning, Similar
from buttress.gateway.kept import KeptAnswer, KeptPiece, KeptRelay
from buttress.gateway.types import Sentence
from buttress.kernel.cached import KeepPolicy
from buttress.kernel.clock import Clock, SystemClock
from buttress.kernel.errors import ButtressError


class AnswersInMemory:
    """Keeps answers; knows of `docs` what a test says. With an `error`, looking up fails."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.here = MemoryAnswers(1_000, 100_000_000)
        self.flights = Flights[Sentence, KeptAnswer](100)
        self.relays = Flights[KeptPiece, KeptRelay](100)
        self.docs: Knowledge | None = Knowledge("v1", frozenset({"*", "group:staff"}))
        self.meanings: list[tuple[Key, Meaning, Entry]] = []
        self.error: ButtressError | None = None
        self.surroundings = "tests"
        self.semantic_timeout_s = self.follow_timeout_s = 30.0

    def knowledge(self, name: str) -> Knowledge | None:
        """See `AnswerCache.knowledge`."""
        assert name == "docs"
        return self.docs

    async def get(self, key: Key, policy: KeepPolicy) -> Entry | None:
        """See `AnswerCache.get`."""
        del policy
        if self.error:
            raise self.error
        return self.here.get(key, self.clock.now())

    async def similar(self, key: Key, meaning: Meaning, threshold: float) -> Sequence[Similar]:
        """See `AnswerCache.similar`."""
        found = [
            Similar(kept.question, cosine, entry)
            for owner, kept, entry in self.meanings
            if owner.tenant == key.tenant and kept.partition == meaning.partition
            if (cosine := _cosine(kept, meaning)) >= threshold
        ]
        return sorted(found, key=lambda one: -one.cosine)

    def put(self, key: Key, entry: Entry, policy: KeepPolicy, meaning: Meaning | None = None) -> None:
        """See `AnswerCache.put`."""
        del policy
        self.here.put(key, entry)
        if meaning:
            self.meanings.append((key, meaning, entry))

    def join(self, key: Key) -> Leader[Sentence, KeptAnswer] | Follower[Sentence, KeptAnswer] | None:
        """See `AnswerCache.join`."""
        return self.flights.join(key)

    def join_relay(self, key: Key) -> Leader[KeptPiece, KeptRelay] | Follower[KeptPiece, KeptRelay] | None:
        """See `AnswerCache.join_relay`."""
        return self.relays.join(key)


def _cosine(one: Meaning, other: Meaning) -> float:
    return sum(here * there for here, there in zip(one.vector, other.vector, strict=True))
