"""What to do after a failed attempt."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.kernel.usage import Usage
from buttress.knowledge.errors import EngineAway
from buttress.models.decide import (
    Decision,
    Failed,
    GiveUp,
    NextRung,
    Retry,
    after_failure,
    backoff_s,
    usage_of_failure,
)
from buttress.models.errors import (
    BadAnswer,
    BadRequest,
    LocalModelAway,
    ModelBusy,
    ModelTimeout,
    ModelUnavailable,
    NothingToQuote,
    RateLimited,
    RefusedKey,
    StreamCut,
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
        pytest.param(failed(BadAnswer("html")), Retry(0.5), id="an answer that cannot be read"),
        pytest.param(failed(RefusedKey("no")), NextRung(), id="a refused key stays refused"),
        pytest.param(failed(BadRequest("no")), NextRung(), id="a bad request stays bad"),
        pytest.param(
            failed(WindowExceeded("long")), NextRung(), id="the next model may have a larger window"
        ),
        pytest.param(failed(ModelBusy("full")), NextRung(), id="who is busy is not waited for"),
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
    ("error", "usage"),
    [
        pytest.param(RateLimited("busy"), Usage(), id="refused: nothing was used"),
        pytest.param(WindowExceeded("long"), Usage(), id="too long: nothing was used"),
        pytest.param(ModelBusy("full"), Usage(), id="never sent: nothing was used"),
        pytest.param(LocalModelAway("gone"), Usage(), id="nobody there: nothing was used"),
        pytest.param(DOWN, None, id="a server error: nobody knows"),
        pytest.param(ModelUnavailable("off", was_sent=False), Usage(), id="no connection: nothing was sent"),
        pytest.param(NothingToQuote("no"), Usage(), id="nothing to quote: nothing was sent"),
        pytest.param(EngineAway("no"), Usage(), id="an error of another room: nothing was sent"),
        pytest.param(StreamCut("cut"), None, id="cut: nobody knows"),
        pytest.param(GeneratorExit(), None, id="cancelled: nobody knows"),
    ],
)
def test_usage_of_failure(error: BaseException, usage: Usage | None) -> None:
    assert usage_of_failure(error) == usage
