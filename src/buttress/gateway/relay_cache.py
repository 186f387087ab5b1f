"""The cache of a model that is asked by its name: recall, follow, keep. Nothing of it fails a call.

Who follows an equal call gets its answer when that is whole, and not as it comes: what stands in an
upstream's own words cannot be gone on with in those of another answer. So nobody's stream breaks off because
somebody else hung up.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import lru_cache

import msgspec

from buttress.caching.canonical import read_strictly
from buttress.caching.flights import Follower, Leader, letting_go
from buttress.caching.keeping import ModelEnding, why_not_drawn, why_not_kept_of_model
from buttress.caching.keys import ModelParts, model_key
from buttress.caching.types import Key
from buttress.gateway.kept import KeptFrame, KeptPiece, KeptRelay, entry_of, read_entry, replayed
from buttress.gateway.ports import AnswerCache, Ports
from buttress.gateway.types import CacheState, How, Recollected
from buttress.kernel.cached import Caching, KeepPolicy
from buttress.kernel.catalogue import Ladder, Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import TraceId, hash_of
from buttress.kernel.messages import Delta, Finished, TextDelta
from buttress.kernel.spans import Recorder, Span
from buttress.models.billing import sums_of
from buttress.models.dialects.types import Body, Seen
from buttress.models.types import Attempt, Frame, Piece

OFF = "off"
ASKED = "asked"
TOOLS_ELSEWHERE = "tools_elsewhere"
NO_FORM = "no_form"
TOO_LONG = "too_long"
EMPTY = "empty"
"""Why nothing is looked up: this process has no cache; who asks wants none; tools are called before the
answer is here; the request can be read in several ways, or takes too long to read. Why nothing is kept: there
was too much, or nothing."""

MAX_BYTES = 1_048_576
"""A longer request is not put into one form, which holds up the worker; of a longer answer nothing is noted:
it is not held in memory a second time."""

Pieces = AsyncGenerator[Piece | Finished, None]
RelayLeader = Leader[KeptPiece, KeptRelay]
RelayFollower = Follower[KeptPiece, KeptRelay]


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A call as its cache sees it: what is asked of whom, and what is wanted of the cache."""

    trace_id: TraceId
    started_at: datetime
    tenant: str
    body: Body
    ladder: Ladder
    policy: KeepPolicy
    caching: Caching


class RelayCache:
    """The cache on the way of one call; `state` and `recalled` tell what came of it, `recorder` its steps."""

    def __init__(self, asking: Asking, ports: Ports) -> None:
        self._asking = asking
        self._ports = ports
        self.recorder = Recorder(ports.clock)
        self.state: CacheState = "skip"
        self.recalled: Recollected | None = None
        self._fields: dict[str, object] = {}
        self._key: Key | None = None
        self._leader: RelayLeader | None = None
        self._pieces: list[KeptPiece] = []
        self._bytes = 0

    async def pieces(self, anew: Callable[[], Pieces], attempts: Sequence[Attempt]) -> Pieces:
        """Give an earlier answer, or that of an equal call; else the one of `anew`, kept if it ends well.

        `attempts` are those of this call, as they end. Raises what `anew` does.
        """
        with letting_go(lambda: self._leader):
            if kept := await self._recall():
                async for one in replayed(kept.pieces, is_paced=self._is_paced):
                    yield _said(one)
                return
            async with aclosing(anew()) as pieces:
                async for piece in pieces:
                    self._hear(piece)
                    yield piece
            self._keep(attempts)

    @property
    def _is_paced(self) -> bool:
        """Whether an answer is given with its pauses: who had to wait for it gets it at once."""
        return self._asking.policy.replay == "paced" and bool(self.recalled and self.recalled.how == "exact")

    async def _recall(self) -> KeptRelay | None:
        """Return the answer of an equal call, an earlier one, or one under way; None where there is none."""
        asking, answers = self._asking, self._ports.answers
        with self.recorder.span("recall") as span:
            reason = ASKED if asking.caching == "skip" else self._read()
            if answers is None or reason:
                span.data["skipped"] = reason or OFF
                return None
            self._key = key = _key(asking, self._fields, self._ports, answers)
            self.state, span.data["cache"] = "miss", "miss"
            if asking.caching != "use":
                return None
            # Seated before it is looked up: what ends in between would be neither kept yet nor under way.
            seat = answers.join_relay(key)
            if not isinstance(seat, Follower):
                self._leader = seat
                return await self._same(answers, key, span)
        return await self._follow(seat, answers, key)

    def _read(self) -> str | None:
        """Read the fields of the request; return why it has no place in the cache."""
        raws = self._asking.body.fields
        if self._asking.body.size_bytes > MAX_BYTES:
            return TOO_LONG
        try:
            self._fields = {name: read_strictly(bytes(raw)) for name, raw in raws.items()}
        except (ValueError, RecursionError):
            return NO_FORM
        if _has_tools_elsewhere(self._fields):
            return TOOLS_ELSEWHERE
        return why_not_drawn(self._fields, sampled=self._asking.policy.sampled)

    async def _same(self, answers: AnswerCache, key: Key, span: Span) -> KeptRelay | None:
        try:
            entry = await answers.get(key, self._asking.policy)
        except ButtressError as error:
            span.data["reason"] = error.code
            return None
        if (kept := read_entry(entry, KeptRelay) if entry else None) is None:
            return None
        if self._leader:
            self._leader.finish(kept)
        return self._given(kept, "exact", span)

    async def _follow(self, first: RelayFollower, answers: AnswerCache, key: Key) -> KeptRelay | None:
        """Return the answer of an equal call that is under way; None where this one has to ask or to lead."""
        seat: RelayFollower | RelayLeader | None = first
        while isinstance(seat, Follower):
            if kept := await self._awaited(seat, answers.follow_timeout_s):
                return kept
            # Behind a failure each goes its own way; where somebody left, one of those who followed leads.
            seat = answers.join_relay(key) if seat.end == "left" else None
        self._leader = seat
        return None

    async def _awaited(self, seat: RelayFollower, patience_s: float) -> KeptRelay | None:
        with self.recorder.span("follow") as span:
            async with aclosing(seat.pieces(patience_s)) as pieces:
                async for _ in pieces:
                    pass
            span.data["ended"] = seat.end
            whole = seat.result if seat.end == "whole" else None
            return self._given(whole, "shared", span) if whole else None

    def _given(self, kept: KeptRelay, how: How, span: Span) -> KeptRelay:
        span.data |= kept.told(how)
        self.state, self.recalled = "hit", kept.recollected(how)
        return kept

    def _hear(self, piece: Piece | Finished) -> None:
        if self._key is None or self._bytes > MAX_BYTES:
            return
        self._bytes += _size(piece)
        one = KeptPiece(_kept(piece), round(self.recorder.elapsed_ms(), 3))
        self._pieces.append(one)
        if self._leader:
            self._leader.publish(one)

    def _keep(self, attempts: Sequence[Attempt]) -> None:
        """Keep the answer, and give it to who follows; neither of what did not end well."""
        answers, key, policy = self._ports.answers, self._key, self._asking.policy
        if answers is None or key is None:
            return
        if reason := self._why_not(attempts):
            self.recorder.spans[0].data["not_kept"] = reason
            if self._leader:
                self._leader.fail()
            return
        kept = self._answer(attempts)
        answers.put(key, entry_of(kept, policy), policy)
        if self._leader:
            self._leader.finish(kept)

    def _why_not(self, attempts: Sequence[Attempt]) -> str | None:
        if self._bytes > MAX_BYTES:
            return TOO_LONG
        end = self._pieces[-1].piece if self._pieces else None
        spoke = {one.model for one in attempts if one.first_token_ms is not None}
        reason = why_not_kept_of_model(
            ModelEnding(
                finish=end.reason if isinstance(end, Finished) else None,
                fields=self._fields,
                failed=not spoke or not spoke <= set(self._asking.ladder.steps[0].models),
                sampled=self._asking.policy.sampled,
            )
        )
        return reason or (None if any(map(_text, self._pieces)) else EMPTY)

    def _answer(self, attempts: Sequence[Attempt]) -> KeptRelay:
        sums = sums_of(attempts)
        return KeptRelay(
            trace_id=self._asking.trace_id,
            made_at=self._asking.started_at,
            model=sums.model,
            tokens=sums.usage.total,
            cost_nanodollars=sums.cost,
            pieces=tuple(self._pieces),
        )


def _key(asking: Asking, fields: dict[str, object], ports: Ports, answers: AnswerCache) -> Key:
    body, known = asking.body, ports.catalogue.models
    models = tuple(known[name] for name in asking.ladder.names)
    return model_key(
        ModelParts(
            tenant=asking.tenant,
            model=body.model,
            entry=(_entry(asking.ladder, models), answers.surroundings),
            dialect=body.dialect,
            fields=fields,
            headers=body.headers,
            is_stream=body.is_stream,
            wants_usage=body.wants_usage,
        )
    )


@lru_cache(256)
def _entry(ladder: Ladder, models: tuple[Model, ...]) -> str:
    """Return the hash of what models.yaml says of who is asked."""
    return hash_of((ladder, models))


def _has_tools_elsewhere(fields: dict[str, object]) -> bool:
    """Say whether tools may be called that are not the client's own: the provider's, or at servers it names.

    What they find is another thing each time; and an answer in the middle of that ends as a whole one does.
    """
    tools = fields.get("tools")
    listed = tools if isinstance(tools, list) else []
    kinds = [one.get("type") if isinstance(one, dict) else one for one in listed]
    own = (None, "function", "custom")
    return not {"mcp_servers", "web_search_options"}.isdisjoint(fields) or any(
        kind not in own for kind in kinds
    )


def _size(piece: Piece | Finished) -> int:
    return len(piece.data) if isinstance(piece, Frame) else len(msgspec.msgpack.encode(piece))


def _kept(piece: Piece | Finished) -> KeptFrame | Delta | Finished:
    if not isinstance(piece, Frame):
        return piece
    return KeptFrame(data=piece.data, text=piece.seen.text, is_usage_only=piece.seen.is_usage_only)


def _said(one: KeptPiece) -> Piece | Finished:
    piece = one.piece
    if not isinstance(piece, KeptFrame):
        return piece
    return Frame(piece.data, Seen(text=piece.text, is_usage_only=piece.is_usage_only))


def _text(one: KeptPiece) -> str:
    return one.piece.text.strip() if isinstance(one.piece, KeptFrame | TextDelta) else ""
