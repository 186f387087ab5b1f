"""One call under way: what has happened so far, kept for the trace and the final answer."""

from collections.abc import Iterator

from buttress.gateway.kept import Keeping
from buttress.gateway.ports import Ports
from buttress.gateway.types import (
    Answer,
    Asked,
    CacheState,
    FailedModel,
    Held,
    History,
    Mapped,
    Outcome,
    Recollected,
    Reply,
    Sentence,
    Stepped,
)
from buttress.guardrails.support import Standing, Support, support_of
from buttress.guardrails.withholding import Withheld
from buttress.kernel.ids import ReleaseId, TraceId, new_id
from buttress.kernel.messages import FinishReason
from buttress.kernel.passages import Citation, Passage
from buttress.kernel.principal import Payer
from buttress.kernel.spans import Recorder
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.billing import total_cost, total_usage
from buttress.models.errors import NothingToQuote
from buttress.models.types import Attempt


class Call:
    """What has happened so far. Steps write here what the trace and the answer tell later."""

    def __init__(self, asked: Asked, ports: Ports) -> None:
        self.asked = asked
        self.ports = ports
        self.trace_id = TraceId(new_id("tr", ports.clock, ports.chance))
        self.recorder = Recorder(ports.clock)
        self.started_at = ports.clock.now()
        self.release_id: ReleaseId | None = None
        self.history = History()
        self.passages: tuple[Passage, ...] = ()
        self.attempts: list[Attempt] = []
        self.has_model_spoken = False
        self.heard: int | None = None
        self.text: list[str] = []
        self.citations: list[Citation] = []
        self.standings: list[Standing] = []
        self.withheld: list[Withheld] = []
        self._told: set[int] = set()
        self._withheld_told = 0
        self.outcome: Outcome = "answered"
        self.reason = ""
        self.finish: FinishReason | None = None
        self.is_degraded = False
        self.keeping: Keeping | None = None
        self.recalled: Recollected | None = None
        self.mapped: Mapped | None = None

    def replied(self, reply: Reply) -> None:
        """Note that the answer is, or from here on goes on as, `reply`."""
        self.outcome, self.reason = reply.outcome, reply.reason
        self.passages = reply.passages or self.passages

    def released(self, sentence: Sentence) -> None:
        """Note what went out to the asker, and cannot be taken back."""
        self.text.append(sentence.text)
        self.citations.extend(sentence.citations)
        if sentence.standing:
            self.standings.append(sentence.standing)
        if self.keeping and self.outcome == "answered":
            self.keeping.heard(sentence, self.recorder.elapsed_ms())

    def begin_again(self) -> None:
        """Forget what was released: it is made anew, and was another call's."""
        for released in (self.text, self.citations, self.standings):
            released.clear()
        if self.keeping:
            self.keeping.sentences.clear()

    def news(self) -> Iterator[Stepped | Held]:
        """Return the steps that ended, and what was withheld, since the last time; nothing if unwatched."""
        if not self.asked.watched:
            return
        for at, span in enumerate(self.recorder.spans):
            if at not in self._told and span.duration_ms is not None:
                self._told.add(at)
                yield Stepped(span)
        for withheld in self.withheld[self._withheld_told :]:
            self._withheld_told += 1
            yield Held(withheld)

    @property
    def cache(self) -> CacheState:
        """Whether the answer is from the cache, as far as is known now."""
        return "hit" if self.recalled else "miss" if self.keeping else "skip"

    @property
    def payer(self) -> Payer:
        """Who pays for what is asked of models."""
        return self.asked.payer

    @property
    def support(self) -> Support:
        """What the sentences released so far stand on, and how many were not released."""
        return support_of(self.standings, withheld=len(self.withheld))

    @property
    def model(self) -> str | None:
        """The model whose text was released, if any was; also when it broke off, or nobody waited."""
        if self.recalled:
            return self.recalled.model
        heard = self.attempts[: self.heard]  # quotes of which all was told before are not
        spoke = (one.model for one in reversed(heard) if one.first_token_ms is not None)
        return next(spoke, None) if self.has_model_spoken else None

    @property
    def usage(self) -> Usage:
        """The tokens of every attempt: failed ones are paid for, too."""
        return total_usage(self.attempts)

    @property
    def cost(self) -> NanoDollars | None:
        """The cost of every attempt; unknown when that of one is."""
        return total_cost(self.attempts)

    @property
    def failed(self) -> tuple[FailedModel, ...]:
        """The models whose last attempt failed, in the order they were first tried.

        To find nothing to quote is an honest answer, no failure; nor is it one to be stopped by us.
        """
        last = {one.model: one.error_code for one in self.attempts if one.outcome != "cancelled"}
        failed = {model: code for model, code in last.items() if code and code != NothingToQuote.code}
        return tuple(FailedModel(model, code) for model, code in failed.items())

    def answer(self) -> Answer:
        """Return what happened as the asker sees it. A release must have been chosen."""
        return Answer(
            trace_id=self.trace_id,
            feature=self.asked.feature,
            release_id=self.release_id or ReleaseId(""),
            text="".join(self.text),
            outcome=self.outcome,
            reason=self.reason,
            citations=tuple(self.citations),
            support=self.support,
            passages=self.passages,
            model=self.model,
            usage=self.usage,
            cost_nanodollars=self.cost,
            duration_ms=round(self.recorder.elapsed_ms(), 3),
            failed=self.failed,
            history=self.history,
            cache=self.cache,
            recalled=self.recalled,
            mapped=self.mapped,
        )
