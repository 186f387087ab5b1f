"""Recall: whether an earlier answer is still good, or an equal call is being answered already."""

import asyncio

from buttress.caching.errors import LookupLate
from buttress.caching.flights import Follower
from buttress.caching.keys import FeatureParts, Knowledge, feature_key, partition_of
from buttress.caching.types import Meaning
from buttress.caching.verifying import differences
from buttress.gateway.call import Call
from buttress.gateway.kept import Keeping, KeptAnswer, read_entry
from buttress.gateway.ports import AnswerCache
from buttress.gateway.types import Asked, How, Inspected, Recalled, Ruled, Shared
from buttress.kernel.cached import CachePolicy, SemanticPolicy
from buttress.kernel.errors import ButtressError
from buttress.kernel.spans import Span
from buttress.releases.types import Release

OFF = "off"
ASKED = "asked"
CONVERSATION = "conversation"
KNOWLEDGE = "knowledge_unknown"
"""Why a feature's cache is not looked into: this process has none; who asks wants none; what was said before
is not known yet; nor is what the knowledge base holds now."""


async def recall(ruled: Ruled, call: Call) -> Recalled | KeptAnswer | Shared[KeptAnswer]:
    """Return an earlier answer; or who is being answered the same just now; else the question, to go on.

    Without `cache:` in its feature.yaml a feature has no cache. Nothing here fails a call: what cannot be
    looked up is not there.
    """
    with call.recorder.span("recall") as span:
        release, answers = ruled.inspected.chosen.release, call.ports.answers
        if release.cache is None:
            return Recalled(ruled)
        reason = _why_not(call.asked) if answers else OFF
        parts = _parts(ruled.inspected, answers) if answers and not reason else None
        if answers is None or parts is None:
            span.data["skipped"] = reason or KNOWLEDGE
            return Recalled(ruled)
        flight = feature_key(parts)
        key = flight if release.cache.invalidate == "version" else feature_key(parts, by_version=False)
        call.keeping = Keeping(
            key=key, flight=flight, policy=release.cache, knowledge=_searched(release, parts)
        )
        span.data["cache"] = "miss"
        looking = _Looking(call, answers, call.keeping, span)
        if call.asked.caching == "use" and (found := await looking.kept(parts, release)):
            return found
        return looking.joined(ruled) if call.asked.caching == "use" else Recalled(ruled)


class _Looking:
    """The look into the cache for one call."""

    def __init__(self, call: Call, answers: AnswerCache, keeping: Keeping, span: Span) -> None:
        self._call = call
        self._answers = answers
        self._keeping = keeping
        self._policy: CachePolicy = keeping.policy
        self._span = span

    async def kept(self, parts: FeatureParts, release: Release) -> KeptAnswer | None:
        """Return the answer to the same, or to what means the same."""
        try:
            return await self._same() or await self._similar(parts, release, self._policy.semantic)
        except ButtressError as error:
            self._span.data["reason"] = error.code
            return None

    def joined(self, ruled: Ruled) -> Recalled | Shared[KeptAnswer]:
        """Follow an equal call that is under way; else let others follow this one."""
        seat = self._answers.join(self._keeping.flight)
        if isinstance(seat, Follower):
            self._span.data["recalled"] = "shared"
            return Shared(ruled, seat)
        self._keeping.leader = seat
        return Recalled(ruled)

    async def _same(self) -> KeptAnswer | None:
        try:
            entry = await self._answers.get(self._keeping.key, self._policy)
        except LookupLate as error:  # what means the same has more time, and is kept with its meaning
            self._span.data["reason"] = error.code
            return None
        answer = read_entry(entry, KeptAnswer) if entry else None
        if answer:
            self._note(answer, "exact")
        return answer

    async def _similar(
        self, parts: FeatureParts, release: Release, semantic: SemanticPolicy | None
    ) -> KeptAnswer | None:
        name = release.chat.question if release.chat else ""
        question = parts.input.get(name)
        if semantic is None or not isinstance(question, str):
            return None
        meaning = await self._meaning(question, partition_of(parts, name))
        if meaning is None:
            return None
        self._keeping.meaning = meaning
        for one in await self._answers.similar(self._keeping.key, meaning, semantic.threshold):
            differing = differences(question, one.question)
            answer = read_entry(one.entry, KeptAnswer)
            if answer is None:
                continue
            # Without the question: a trace may have to do without what people said.
            said = {"of": answer.trace_id, "cosine": round(one.cosine, 4), "differing": differing}
            self._span.data.setdefault("similar", said)
            if not differing:
                return self._given(answer, semantic)
        return None

    def _given(self, answer: KeptAnswer, semantic: SemanticPolicy) -> KeptAnswer | None:
        if semantic.mode == "shadow":
            self._span.data["would_recall"] = answer.trace_id
            return None
        self._note(answer, "semantic")
        return answer

    async def _meaning(self, question: str, partition: str) -> Meaning | None:
        try:
            async with asyncio.timeout(self._answers.semantic_timeout_s):
                embedded = await self._call.ports.engine.embed([question])
        except TimeoutError:
            self._span.data["reason"] = LookupLate.code
            return None
        return Meaning(partition=partition, question=question, vector=tuple(embedded.vectors[0]))

    def _note(self, answer: KeptAnswer, how: How) -> None:
        self._span.data |= answer.told(how)
        self._call.recalled = answer.recollected(how)


def _searched(release: Release, parts: FeatureParts) -> tuple[str, Knowledge] | None:
    name = release.knowledge
    return (name, parts.knowledge) if name and parts.knowledge else None


def _why_not(asked: Asked) -> str:
    if asked.caching == "skip":
        return ASKED
    return CONVERSATION if asked.conversation is not None and not asked.history else ""


def _parts(inspected: Inspected, answers: AnswerCache) -> FeatureParts | None:
    """Return all that the answer depends on; None where what is searched is not known."""
    chosen = inspected.chosen
    release, asked, scope = chosen.release, chosen.admitted.asked, chosen.admitted.scope
    name = release.knowledge
    knowledge = answers.knowledge(name) if name else None
    if name and knowledge is None:
        return None
    return FeatureParts(
        tenant=scope.tenant,
        feature=release.feature,
        release=release.release_id,
        input=inspected.input,
        history=asked.history,
        seen_as=tuple(scope.visible_to) if name else None,
        knowledge=knowledge,
        surroundings=answers.surroundings,
    )
