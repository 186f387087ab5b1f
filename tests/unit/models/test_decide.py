"""What to do after a failed attempt."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import EngineAway
from buttress.models import errors
from buttress.models.decide import (
    EFFECTS,
    Decision,
    Failed,
    GiveUp,
    NextRung,
    Retry,
    after_failure,
    backoff_s,
    effect_of,
    is_overload,
    was_refused,
)
from buttress.models.errors import (
    BadAnswer,
    BadRequest,
    LocalModelAway,
    ModelBusy,
    ModelResting,
    ModelTimeout,
    ModelUnavailable,
    NothingToQuote,
    RateLimited,
    RefusedKey,
    StreamCut,
    Untranslatable,
    WindowExceeded,
)
from buttress.models.settings import ModelSettings

SETTINGS = ModelSettings(attempts_per_rung=3, backoff_base_s=1, backoff_cap_s=3, retry_after_cap_s=5)
DOWN = ModelUnavailable("down")


def failed(error: ButtressError, *, tries: int = 1, remaining_s: float = 60, chance: float = 0.5) -> Failed:
    return Failed(error=error, tries=tries, remaining_s=remaining_s, chance=chance)


@pytest.mark.parametrize(
    ("failure", "decision"),
    [
        pytest.param(failed(DOWN), Retry(0.5), id="what may pass is tried again"),
        pytest.param(failed(DOWN, tries=2), Retry(1.0), id="with a longer wait"),
        pytest.param(failed(DOWN, tries=3), NextRung(), id="but not for ever"),
        pytest.param(failed(DOWN, chance=0), Retry(0.0), id="full jitter may draw no wait at all"),
        pytest.param(failed(StreamCut("cut")), Retry(0.5), id="a stream cut before its first text"),
        pytest.param(failed(BadAnswer("html")), NextRung(), id="who sent what cannot be read has worked"),
        pytest.param(failed(RefusedKey("no")), NextRung(), id="a refused key stays refused"),
        pytest.param(failed(BadRequest("no")), NextRung(), id="a bad request stays bad"),
        pytest.param(
            failed(WindowExceeded("long")), NextRung(), id="the next model may have a larger window"
        ),
        pytest.param(failed(ModelBusy("full")), NextRung(), id="who is busy is not waited for"),
        pytest.param(failed(ModelResting("ill", retry_after_s=1)), NextRung(), id="nor who rests"),
        pytest.param(failed(LocalModelAway("gone")), NextRung(), id="nor a local model that is away"),
        pytest.param(failed(ModelTimeout("slow")), NextRung(), id="a slow model would be slow again"),
        pytest.param(failed(RateLimited("busy", retry_after_s=2)), Retry(2.0), id="Retry-After is honoured"),
        pytest.param(failed(RateLimited("busy", retry_after_s=0.1)), Retry(0.5), id="jitter may be longer"),
        pytest.param(failed(RateLimited("busy")), Retry(0.5), id="a rate limit that names no wait"),
        pytest.param(failed(RateLimited("busy", retry_after_s=6)), NextRung(), id="asks to wait too long"),
        pytest.param(failed(DOWN, remaining_s=0.4), NextRung(), id="the wait is longer than what is left"),
        pytest.param(failed(DOWN, remaining_s=0), GiveUp(), id="no time is left"),
        pytest.param(failed(RefusedKey("no"), remaining_s=-1), GiveUp(), id="time is over, whatever failed"),
    ],
)
def test_after_failure(failure: Failed, decision: Decision) -> None:
    assert after_failure(failure, SETTINGS) == decision


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 50),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.001, 100),
    st.none() | st.floats(0, 1_000),
)
def test_a_wait_is_bounded_and_fits(
    tries: int, chance: float, remaining_s: float, retry_after_s: float | None
) -> None:
    error = RateLimited("busy", retry_after_s=retry_after_s)
    decision = after_failure(failed(error, tries=tries, remaining_s=remaining_s, chance=chance), SETTINGS)
    if isinstance(decision, Retry):
        assert tries < SETTINGS.attempts_per_rung
        assert (retry_after_s or 0) <= decision.delay_s < remaining_s
        assert decision.delay_s <= max(SETTINGS.backoff_cap_s, SETTINGS.retry_after_cap_s)


def test_the_bound_of_the_wait_doubles_up_to_the_cap() -> None:
    assert [backoff_s(tries, 1.0, SETTINGS) for tries in (1, 2, 3, 50)] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        pytest.param(RateLimited("busy"), True, id="refused"),
        pytest.param(WindowExceeded("long"), True, id="too long"),
        pytest.param(ModelBusy("full"), True, id="never sent"),
        pytest.param(ModelResting("ill", retry_after_s=1), True, id="left alone"),
        pytest.param(LocalModelAway("gone"), True, id="nobody there"),
        pytest.param(DOWN, False, id="a server error: nobody knows"),
        pytest.param(ModelUnavailable("off", may_have_worked=False), True, id="no connection"),
        pytest.param(NothingToQuote("no"), True, id="nothing to quote"),
        pytest.param(Untranslatable("n"), True, id="a request that cannot be put into its dialect"),
        pytest.param(EngineAway("no"), True, id="an error of another room"),
        pytest.param(StreamCut("cut"), False, id="cut: nobody knows"),
        pytest.param(GeneratorExit(), False, id="cancelled: nobody knows"),
    ],
)
def test_what_was_refused_used_nothing(error: BaseException, refused: bool) -> None:  # noqa: FBT001 - a table
    assert was_refused(error) is refused


OVERLOADED = ModelUnavailable("529", is_overloaded=True)
SLOW = ModelTimeout("slow", data={"waited_for": "first_token"})
OVER = ModelTimeout("over", data={"waited_for": "total"})


@pytest.mark.parametrize(
    ("error", "effect", "overload"),
    [
        pytest.param(None, "good", False, id="a good end"),
        pytest.param(DOWN, "ill", False, id="broken"),
        pytest.param(OVERLOADED, "ill", True, id="503 and 529"),
        pytest.param(SLOW, "ill", True, id="no token in time"),
        pytest.param(OVER, "neither", False, id="the end of all time says nothing of one model"),
        pytest.param(RateLimited("429"), "ill", True, id="429 that does not say for how long"),
        pytest.param(RateLimited("429", retry_after_s=3), "neither", True, id="429 that says so: it rests"),
        pytest.param(RateLimited("429", retry_after_s=0), "ill", True, id="429 for no time at all"),
        pytest.param(StreamCut("cut"), "ill", False, id="an answer that breaks off"),
        pytest.param(BadAnswer("html"), "ill", False, id="an answer that is none"),
        pytest.param(RefusedKey("no"), "neither", False, id="a key that is refused can be mended"),
        pytest.param(BadRequest("no"), "neither", False, id="a request that is bad"),
        pytest.param(ModelBusy("full"), "neither", False, id="our own line"),
        pytest.param(EngineAway("no"), "neither", False, id="another room"),
        pytest.param(KeyError("bug"), "neither", False, id="a bug of ours"),
        pytest.param(GeneratorExit(), "neither", False, id="nobody waits"),
    ],
)
def test_what_an_end_says_of_the_model(error: BaseException | None, effect: str, overload: bool) -> None:  # noqa: FBT001 - a table
    assert (effect_of(error), is_overload(error)) == (effect, overload)


def test_every_error_of_this_room_says_what_it_tells_of_a_model() -> None:
    here = {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ButtressError)}
    assert set(EFFECTS) == here - {ButtressError}
