"""How much a model is to think, in the words that its generation takes. Pure.

Until Gemini 2.0 models do not think, 2.5 takes a budget of tokens, and from 3 on a level; each refuses the
words of the others. Which generation it is, its id says; one that is not known is taken for a new one.
"""

import re

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Effort

_PLAIN = re.compile(r"gemini-(1|2\.0)|gemma|learnlm")
_BUDGETED = re.compile(r"gemini-2\.5")
_PRO = re.compile(r"-pro\b")
_LEAST_OF_PRO = 128
"""The fewest tokens that Gemini 2.5 Pro thinks; it cannot be kept from it."""
_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 24_576,
}
_LEVELS: dict[Effort, str] = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
}


def thinking_config(model: Model, effort: Effort | None) -> dict[str, object] | None:
    """Return the `thinkingConfig` that asks for `effort`, None when there is nothing to say.

    Who asks for thinking gets to see it. The budgets of low, medium and high are those that Google gives
    these words at its own OpenAI-compatible address; Pro models know no level below `low`.
    """
    named = model.id or model.name
    if effort is None or _PLAIN.search(named):
        return None
    is_pro = _PRO.search(named) is not None
    shown = {"includeThoughts": effort != "none"}
    if _BUDGETED.search(named):
        return {"thinkingBudget": max(_BUDGETS[effort], _LEAST_OF_PRO if is_pro else 0), **shown}
    level = _LEVELS[effort]
    return {"thinkingLevel": "low" if is_pro and level == "minimal" else level, **shown}
