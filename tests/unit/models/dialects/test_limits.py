"""`models.dialects.limits`."""

import pytest

from buttress.models.dialects.limits import until_reset
from buttress.testing.clock import NOON


def openai(kind: str = "requests", **values: str) -> dict[str, str]:
    return {f"x-ratelimit-{name}-{kind}": value for name, value in values.items()}


def anthropic(kind: str = "requests", **values: str) -> dict[str, str]:
    return {f"anthropic-ratelimit-{kind}-{name}": value for name, value in values.items()}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="nothing is said"),
        pytest.param(openai(limit="60", remaining="59", reset="1s"), None, id="something is left"),
        pytest.param(openai(limit="60", remaining="0", reset="6m0s"), 360, id="minutes"),
        pytest.param(openai(limit="60", remaining="0", reset="12ms"), 0.012, id="milliseconds"),
        pytest.param(openai(limit="60", remaining="0", reset="1h2m3.5s"), 3_723.5, id="all of them"),
        pytest.param(openai("tokens", limit="9", remaining="0", reset="2s"), 2, id="tokens are used up"),
        pytest.param(openai(remaining="0", reset="1s"), 1, id="without a limit"),
        pytest.param(openai(limit="-1", remaining="-1", reset="0"), None, id="Azure: minus one is unknown"),
        pytest.param(openai(limit="-1", remaining="0", reset="1s"), None, id="Azure: a limit of minus one"),
        pytest.param(openai(limit="0", remaining="0", reset="1s"), None, id="Azure: a limit of zero"),
        pytest.param(openai(limit="60", remaining="0", reset="0"), None, id="Azure: a reset of zero"),
        pytest.param(openai(limit="60", remaining="0"), None, id="no reset"),
        pytest.param(openai(limit="60", remaining="0", reset="soon"), None, id="a reset that is none"),
        pytest.param(openai(limit="60", remaining="0", reset="-5s"), None, id="a reset below zero"),
        pytest.param(
            openai(limit="60", remaining="0", reset="9" * 400 + "s"), None, id="a reset without end"
        ),
        pytest.param(anthropic(remaining="0", reset="2026-01-02T12:00:30Z"), 30, id="a time"),
        pytest.param(
            anthropic("input-tokens", remaining="0", reset="2026-01-02T13:00:30+01:00"), 30, id="with a zone"
        ),
        pytest.param(anthropic(remaining="0", reset="2026-01-02T11:00:00Z"), None, id="a time that is over"),
        pytest.param(anthropic(remaining="5", reset="2026-01-02T12:00:30Z"), None, id="something left"),
        pytest.param(anthropic(remaining="0", reset="tomorrow"), None, id="a time that is none"),
        pytest.param(
            openai(limit="9", remaining="0", reset="2s")
            | openai("tokens", limit="9", remaining="0", reset="5s"),
            5,
            id="the longest counts",
        ),
    ],
)
def test_until_reset(headers: dict[str, str], seconds: float | None) -> None:
    assert until_reset(headers, NOON) == (None if seconds is None else pytest.approx(seconds))
