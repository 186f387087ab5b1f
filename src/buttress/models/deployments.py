"""What this process knows of each model that it calls: whether it is well, how quick it is, how busy.

A deployment is a model of models.yaml: what its name stands for. One whose address, key or provider is
changed in the file is another one, of which nothing is known yet; calls under way keep theirs.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from math import exp2
from weakref import WeakValueDictionary

import msgspec

from buttress.kernel.catalogue import Ladder, Model
from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.models.breaker import Breaker, after, entered, recovered, rested, spoken
from buttress.models.choosing import Candidate, ordered
from buttress.models.concurrency import Gate, Limit, lowered, raised
from buttress.models.decide import effect_of, is_overload, rest_of
from buttress.models.errors import ModelBusy, ModelResting
from buttress.models.settings import ModelSettings

PROBE_S = 0.5
"""How long a call waits that finds another one probing a model, before it looks again: a guess."""

PROBE_SPARE_S = 5.0
"""How much longer than the time for a first token a probe keeps its place: that alone should end it."""

_NEWEST = 0.2
"""The share of the newest answer in the smoothed time: about the last ten count."""

_HALF_LIFE_S = 60.0
"""A time that nobody measured anew counts half after so long: a slow model gets another try."""


class Latency(msgspec.Struct, frozen=True):
    """The smoothed time to a model's first token, in milliseconds; `at` is when it was last measured."""

    ms: float
    at: float

    def expected(self, now: float) -> float:
        """Return what to expect at `now`."""
        return self.ms * exp2(-(now - self.at) / _HALF_LIFE_S)


def measured(latency: Latency | None, ms: float, now: float) -> Latency:
    """Return the latency after one more answer (an exponentially weighted moving average)."""
    if latency is None:
        return Latency(ms, now)
    return Latency(latency.ms + _NEWEST * (ms - latency.ms), now)


class Word(msgspec.Struct, frozen=True):
    """What one process tells the others of `model`: leave it alone for `rests_s`; 0, it answers again."""

    model: str
    rests_s: float


Tell = Callable[[Word], None]


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A call's place at a deployment: the term of its breaker in which it was let in, and what it waited."""

    term: int
    waited_s: float = 0.0


class Deployment:
    """One of them. A call `enter`s, says when it has `heard` something, and `leave`s. One event loop only.

    `tell` is given what the other processes are to know.
    """

    def __init__(self, model: Model, settings: ModelSettings, clock: Clock, tell: Tell) -> None:
        self.model = model
        self.tell = tell
        self._settings = settings
        self._clock = clock
        self._probe_s = settings.first_token_timeout_s + PROBE_SPARE_S
        limits = settings.concurrency
        self.breaker = Breaker()
        self.latency: Latency | None = None
        self.gate = Gate(model.name, Limit(limits.start), limits.queue_length)

    @property
    def rests_s(self) -> float:
        """For how many seconds it is still left alone; 0 when it may be asked."""
        now = self._clock.monotonic()
        if self.breaker.admits(now):
            return 0.0
        return PROBE_S if self.breaker.is_probed(now) else self._left(now)

    @property
    def candidate(self) -> Candidate:
        """What is known of it to whoever chooses."""
        expected_ms = self.latency.expected(self._clock.monotonic()) if self.latency else None
        return Candidate(
            name=self.model.name,
            rests=self.rests_s > 0,
            expected_ms=expected_ms,
            running=self.gate.running + self.gate.waiting,
        )

    async def enter(self, within_s: float) -> Turn:
        """Wait for a turn, `within_s` at most. Who has one must `leave`.

        Raises:
            ModelResting: it is left alone for now.
            ModelBusy: too many wait already, or it took too long.
        """
        now, waited_s = self._clock.monotonic(), 0.0
        if not self.breaker.admits(now):
            raise self._resting()
        if not self.gate.enters_now():
            waited_s = await self._wait(within_s)
            now = self._clock.monotonic()
            if not self.breaker.admits(now):
                self.gate.leave()
                raise self._resting()
        self.breaker = entered(self.breaker, now, self._probe_s)
        return Turn(self.breaker.term, waited_s)

    def heard(self, turn: Turn, first_token_ms: float) -> Turn:
        """Learn that a call's first token came, so soon; return the turn with which it goes on."""
        self.latency = measured(self.latency, first_token_ms, self._clock.monotonic())
        if self.breaker.until is None or turn.term != self.breaker.term:
            return turn
        self._change(spoken(self.breaker, turn.term, self._settings.breaker))
        return Turn(self.breaker.term, turn.waited_s)

    def leave(self, turn: Turn, error: BaseException | None) -> None:
        """Learn from a call that ended: with `error`, None when well."""
        now, settings = self._clock.monotonic(), self._settings
        if error is None:
            self.gate.limit = raised(self.gate.limit, self.gate.running, settings.concurrency)
        elif is_overload(error):
            self.gate.limit = lowered(self.gate.limit, now, settings.concurrency)
        self._change(after(self.breaker, effect_of(error), turn.term, now, settings.breaker))
        self.rest(rest_of(error) or 0.0)
        self.gate.leave()

    def rest(self, seconds: float) -> None:
        """Leave it alone for so long, as it asked; never longer than the cap of its breaker."""
        seconds = min(seconds, self._settings.breaker.open_cap_s)
        if seconds > 0:
            self._change(rested(self.breaker, self._clock.monotonic() + seconds))

    def hear(self, word: Word) -> None:
        """Learn what another process found out; that is told to nobody."""
        if word.rests_s > 0:
            seconds = min(word.rests_s, self._settings.breaker.open_cap_s)
            self.breaker = rested(self.breaker, self._clock.monotonic() + seconds)
        else:
            self.breaker = recovered(self.breaker)

    def _change(self, breaker: Breaker) -> None:
        before, self.breaker = self.breaker, breaker
        if breaker.until != before.until:
            self.tell(Word(self.model.name, self._left(self._clock.monotonic())))

    def _left(self, now: float) -> float:
        return max(0.0, (self.breaker.until or now) - now)

    def _resting(self) -> ModelResting:
        rests_s = self.rests_s
        return ModelResting(f"{self.model.name} is left alone for {rests_s:.1f} s", retry_after_s=rests_s)

    async def _wait(self, within_s: float) -> float:
        began = self._clock.monotonic()
        longest_s = max(0.0, min(within_s, self._settings.concurrency.queue_wait_s))
        try:
            async with asyncio.timeout(longest_s):
                await self.gate.enter()
        except TimeoutError as error:
            raise ModelBusy(f"{self.model.name} had no turn within {longest_s:.1f} s") from error
        return self._clock.monotonic() - began


def _nobody(word: Word) -> None:
    """Tell nobody."""


class Deployments:
    """Those of one process. `tell` may be set: it is given what other processes are to know.

    Kept are those of models that the project's files declare. One that they do not declare any more is known
    as long as somebody holds it, and tells nobody.
    """

    def __init__(self, settings: ModelSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._known: dict[str, Deployment] = {}
        self._held: WeakValueDictionary[Reached, Deployment] = WeakValueDictionary()  # by anybody
        self._declared: Mapping[str, Model] | None = None
        self.tell: Tell = _nobody

    def of(self, model: Model) -> Deployment:
        """Return what is known of `model`: nothing yet, when it is reached in another way than before."""
        known = self._known.get(model.name)
        if known is not None and (known.model is model or _reached(known.model) == _reached(model)):
            return known
        return self._held.get(_reached(model)) or self._new(model)

    def in_order(self, ladder: Ladder, models: Mapping[str, Model], chance: Chance) -> list[Model]:
        """Return the models of `ladder`, all of which `models` has, in the order that a call tries."""
        names = ordered(ladder, lambda name: self.of(models[name]).candidate, chance)
        return [models[name] for name in names]

    def rest(self, model: Model, seconds: float) -> None:
        """Leave `model` alone for so long, as its upstream asked."""
        self.of(model).rest(seconds)

    def hear(self, word: Word, models: Mapping[str, Model]) -> None:
        """Learn what another process found out, if that is about one of `models`, the project's."""
        if word.model in models:
            self.of(models[word.model]).hear(word)

    def keep(self, models: Iterable[Model]) -> None:
        """Keep `models`, the ones of the project's files as they are now, and let go of all others."""
        before, self._known = self._known, {}  # held until this ends
        self._declared = {model.name: model for model in models}
        for one in before.values():
            one.tell = _nobody
        for name, model in self._declared.items():
            if kept := self._held.get(_reached(model)):
                kept.model, kept.tell = model, self._told
                self._known[name] = kept

    def _new(self, model: Model) -> Deployment:
        one = self._held[_reached(model)] = Deployment(model, self._settings, self._clock, _nobody)
        if self._is_declared(model):
            one.tell = self._told
            self._known[model.name] = one
        return one

    def _is_declared(self, model: Model) -> bool:
        """Say whether the files declare `model`; until they are read again all are that were asked first."""
        if self._declared is None:
            return model.name not in self._known
        declared = self._declared.get(model.name)
        return declared is not None and _reached(declared) == _reached(model)

    def _told(self, word: Word) -> None:
        self.tell(word)

    def __len__(self) -> int:
        return len(self._known)


Reached = tuple[str, ...]
"""How a model is reached: what tells whether two are the same. What they cost and hold is no difference."""


def _reached(model: Model) -> Reached:
    where = (model.name, model.provider, model.id, model.base_url, model.key, model.path)
    return (*where, str(model.options)) if model.options else where
