"""How much a model thinks, by its generation."""

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Effort
from buttress.models.dialects.gemini.effort import thinking_config


@pytest.mark.parametrize(
    ("named", "effort", "config"),
    [
        pytest.param("gemini-3-flash", None, None, id="the model decides"),
        pytest.param("gemini-2.0-flash", "high", None, id="one that does not think"),
        pytest.param(
            "gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}, id="no thinking"
        ),
        pytest.param(
            "models/gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}, id="a budget"
        ),
        pytest.param(
            "gemini-2.5-pro",
            "none",
            {"thinkingBudget": 128, "includeThoughts": False},
            id="pro always thinks",
        ),
        pytest.param(
            "gemini-3-flash", "none", {"thinkingLevel": "minimal", "includeThoughts": False}, id="a level"
        ),
        pytest.param(
            "gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "low", "includeThoughts": True}, id="pro"
        ),
        pytest.param(
            "gemini-flash-latest", "xhigh", {"thinkingLevel": "high", "includeThoughts": True}, id="unknown"
        ),
    ],
)
def test_effort(named: str, effort: Effort | None, config: dict[str, object] | None) -> None:
    assert thinking_config(Model(name="m", id=named, provider="gemini"), effort) == config
