"""The way of a call that asks for a model by its name: admit, choose, send, record.

The same steps as in `answer`, without those that belong to a feature. What is said goes on as it comes, in
the upstream's own words where the client speaks them too.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial

import msgspec

from buttress.gateway.errors import ModelUnknown
from buttress.gateway.ports import Ports
from buttress.gateway.relay_cache import Asking, RelayCache
from buttress.gateway.steps.record import ending
from buttress.gateway.types import CacheState, Recollected
from buttress.kernel.cached import Caching
from buttress.kernel.catalogue import Ladder
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import TraceId, new_id
from buttress.kernel.located import did_you_mean
from buttress.kernel.messages import Finished, TextDelta
from buttress.kernel.principal import ANYBODY, Payer, Principal
from buttress.models.billing import Sums, sums_of
from buttress.models.dialects.fields import as_header
from buttress.models.dialects.types import Body
from buttress.models.errors import NoRungLeft
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Attempt, Frame, Pace, Piece
from buttress.tracing.types import PROCESS_DIED, Outcome, Trace

MAX_NAME = 200
"""Characters of a client's name for a model or a user that a trace keeps."""

MAX_TOLD = 12
"""How many names are told to who asked for one that there is not."""

MAX_KEPT_BYTES = 262_144
"""Longer requests are not kept in their traces, and of answers no more characters: pictures and whole books
are not what those are for."""

LEFT_OUT = "left out: it holds keys"
"""What a trace keeps of a field that secrets stand in."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A client's request to a model or a ladder of models.yaml, by `principal`; `caching` is said apart."""

    body: Body
    principal: Principal = ANYBODY
    caching: Caching = "use"

    @property
    def user(self) -> str | None:
        """The user who asks: the key's own, else the one that the request names."""
        named = self.principal.user or self.body.user
        return named and named[:MAX_NAME]

    @property
    def payer(self) -> Payer:
        """Who pays for it."""
        who = self.principal
        feature = self.body.model[:MAX_NAME]
        return Payer(tenant=who.tenant, feature=feature, user=self.user, key=who.key, tags=who.tags)


class Relay:
    """One call under way; its trace is written when `pieces` ends, however it does."""

    def __init__(self, wanted: Wanted, ports: Ports) -> None:
        self._wanted = wanted
        self._ports = ports
        self._started = ports.clock.monotonic()
        self.started_at = ports.clock.now()
        self.is_passed_on = False
        """Whether the answer goes on in the upstream's own words."""
        self._text: list[str] = []
        self._room = MAX_KEPT_BYTES  # in characters
        self.order = Order(wanted.body)
        self.trace_id = TraceId(new_id("tr", ports.clock, ports.chance))
        self.attempts: list[Attempt] = []
        self._sums: Sums | None = None
        self._cache: RelayCache | None = None
        self._begun = self._lost()

    async def whole(self) -> bytes:
        """Return an answer of one piece as it came; raises as `pieces`."""
        data = b""
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, Frame):
                    data = piece.data
        return data

    async def pieces(self) -> AsyncGenerator[Piece | Finished, None]:
        """Give the answer piece by piece, `Finished` last; closing the generator cancels what is under way.

        Raises:
            ModelUnknown: models.yaml has no model and no ladder of that name.
            NoRungLeft: the models failed before they said anything, each in its own way.
            ButtressError: what a model failed with in the middle of its answer; or what all failed with.
        """
        self._ports.begin(self._begun)
        with ending(self.trace_id, self._record):
            try:
                async with aclosing(self._stream(self._ladder())) as pieces:
                    async for piece in pieces:
                        self._note(piece)
                        yield piece
            except NoRungLeft as error:
                raise _common(error) from error

    def _stream(self, ladder: Ladder) -> AsyncGenerator[Piece | Finished, None]:
        name = self._wanted.body.model
        if (policy := self._ports.catalogue.caches.get(name)) is None:
            return self._anew(ladder)
        asking = Asking(
            trace_id=self.trace_id,
            started_at=self.started_at,
            tenant=self._wanted.principal.tenant,
            body=self._wanted.body,
            ladder=ladder,
            policy=policy,
            caching=self._wanted.caching,
        )
        self._cache = RelayCache(asking, self._ports)
        return self._cache.pieces(partial(self._anew, ladder), self.attempts)

    def _anew(self, ladder: Ladder) -> AsyncGenerator[Piece | Finished, None]:
        ports = self._ports.of_ladder(self._wanted.payer, self._attempted)
        models = ports.deployments.in_order(ladder, self._ports.catalogue.models, ports.chance)
        rungs = [Rung(model, self._ports.provider(model)) for model in models]
        return stream_ladder(self.order, rungs, ports, Pace(hedge_after_ms=ladder.hedge_after_ms))

    def _note(self, piece: Piece | Finished) -> None:
        if isinstance(piece, Frame):
            self.is_passed_on, text = True, piece.seen.text
        else:
            text = piece.text if isinstance(piece, TextDelta) else ""
        if text and self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)

    @property
    def duration_ms(self) -> float:
        """Milliseconds since the call began."""
        return round((self._ports.clock.monotonic() - self._started) * 1000, 3)

    @property
    def sums(self) -> Sums:
        """What all attempts so far used, cost and took: failed ones are paid for, too."""
        if self._sums is None:
            self._sums = sums_of(self.attempts)
            if self._cache and (recalled := self._cache.recalled):
                self._sums = msgspec.structs.replace(self._sums, model=recalled.model)
        return self._sums

    @property
    def cache(self) -> CacheState | None:
        """Whether the answer came from the cache; None where what is asked has none."""
        return self._cache.state if self._cache else None

    @property
    def recalled(self) -> Recollected | None:
        """Where the answer comes from, if it was not made for this call."""
        return self._cache.recalled if self._cache else None

    @property
    def origin(self) -> tuple[TraceId, datetime]:
        """The call that the answer was made in, and when that began: mostly this one."""
        recalled = self.recalled
        return (recalled.trace_id, recalled.made_at) if recalled else (self.trace_id, self.started_at)

    @property
    def figures(self) -> dict[str, object]:
        """What a client is told of the call so far; what was not spent on attempts is our own."""
        sums = self.sums
        return {
            "model": sums.model,
            "attempts": len(self.attempts),
            "cost_nanodollars": sums.cost,
            "overhead_ms": round(self.duration_ms - sums.busy_ms, 3),
            "queued_ms": sums.queued_ms,
            "provider_ms": sums.provider_ms,
        }

    def _attempted(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self._sums = None

    def _ladder(self) -> Ladder:
        name, catalogue = self._wanted.body.model, self._ports.catalogue
        if (ladder := catalogue.ladder(name)).steps:
            return ladder
        known = [*sorted(self._ports.releases), *sorted(catalogue.ladders), *sorted(catalogue.models)]
        names = ", ".join(f"`{one}`" for one in known[:MAX_TOLD]) or "none"
        told = f"There are: {names}. GET /v1/models lists all."
        hint = did_you_mean(name, known) or told
        raise ModelUnknown(f"nothing is called {name[:MAX_NAME]!r} here", hint=hint, data={"param": "model"})

    def _lost(self) -> Trace:
        """Return the trace of a call that is heard of no more; its length and its cost nobody knows."""
        body = self._wanted.body
        return Trace(
            kind="model",
            trace_id=self.trace_id,
            tenant=self._wanted.principal.tenant,
            feature=body.model[:MAX_NAME],
            release_id=None,
            user_id=self._wanted.user,
            key_id=self._wanted.principal.key,
            tags=dict(self._wanted.principal.tags),
            started_at=self.started_at,
            duration_ms=0.0,
            outcome="lost",
            error_code=PROCESS_DIED,
            input=_kept(body),
        )

    def _record(self, outcome: Outcome | None, code: str | None) -> None:
        sums = self.sums
        trace = msgspec.structs.replace(
            self._begun,
            duration_ms=self.duration_ms,
            outcome=outcome or "answered",
            error_code=code,
            model=sums.model,
            answer="".join(self._text),
            spans=self._cache.recorder.spans if self._cache else [],
            attempts=msgspec.to_builtins(self.attempts),
            usage=sums.usage,
            cost_nanodollars=sums.cost,
        )
        self._ports.record(trace)


def _common(error: NoRungLeft) -> ButtressError:
    """Return what all models failed with, where that was one thing: it says more than that none is left.

    When to ask again is when the first of them may be asked.
    """
    kinds = {type(one.error) for one in error.failures}
    if not error.last or len(kinds) != 1:
        return error
    pause = {name: value for name, value in error.data.items() if name == "retry_after_s"}
    error.last.data = {**error.last.data, **pause}
    return error.last


def _kept(body: Body) -> dict[str, object]:
    """Return what is kept of a request: all of it, or its shape where it is long."""
    if body.size_bytes <= MAX_KEPT_BYTES:
        return {name: LEFT_OUT if _has_keys(name, raw) else raw for name, raw in body.fields.items()}
    names = list(as_header(sorted(body.fields)))  # a client may well put all of it into names
    return {"model": body.model[:MAX_NAME], "left_out": names, "bytes": body.size_bytes}


def _has_keys(name: str, raw: msgspec.Raw) -> bool:
    """Say whether a field names servers of tools (MCP), which stand there with the keys to them."""
    return name == "mcp_servers" or (name == "tools" and b'"mcp"' in bytes(raw))
