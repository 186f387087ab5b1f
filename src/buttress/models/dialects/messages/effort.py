"""How much a model is to think, and how freely it draws its words: what Anthropic's models can be told. Pure.

Three ways came one after the other, and each model refuses the words of the other two. Which model takes
which is told by its id; one that is not known is taken for a new one:

    until Claude 3.5     no thinking; temperature or top_p
    3.7 to 4.5           `thinking` with `budget_tokens`; temperature or top_p, but not while it thinks
    4.6                  `thinking` adaptive and `output_config.effort`; temperature or top_p
    from 4.7 on          the same, without temperature and top_p
"""

import re
from typing import Literal, get_args

import msgspec

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Effort, ModelRequest, ToolCall
from buttress.kernel.messages import Thinking as Thought

MIN_BUDGET_TOKENS = 1_024
_BUDGETS: dict[Effort, int] = {
    "minimal": MIN_BUDGET_TOKENS,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
}
_WORDS: dict[Effort, str] = {"none": "low", "minimal": "low"}
_EFFORTS: tuple[Effort, ...] = get_args(Effort)

_PLAIN = re.compile(r"claude-(instant|v?[12]\b|3[-.](5-)?(opus|sonnet|haiku)|3[-.][05]\b)")
_BUDGETED = re.compile(r"claude-(3[-.]7|(opus|sonnet|haiku)-4([-.@][015](?!\d)|[-@]20\d{6}|$|@))")
_SAMPLED = re.compile(r"claude-(opus|sonnet)-4[-.]6(?!\d)")


class Thinking(msgspec.Struct, frozen=True):
    """A client's field `thinking`; `budget_tokens` belongs to `enabled`."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None


def effort_of(thinking: Thinking | None, word: str | None) -> Effort | None:
    """Return the effort that a client asks for by `thinking` and the `effort` of its `output_config`.

    A word says it, and a budget where there is none: the largest effort whose own budget is within it.
    Thinking that is disabled is `none`; adaptive thinking without a word leaves it to the model.
    """
    if thinking is not None and thinking.type == "disabled":
        return "none"
    if word is not None:
        return "xhigh" if word == "max" else next((one for one in _EFFORTS if one == word), None)
    if thinking is None or thinking.budget_tokens is None:
        return None
    within = [effort for effort, budget in _BUDGETS.items() if budget <= thinking.budget_tokens]
    return within[-1] if within else "minimal"


def thinking_fields(model: Model, request: ModelRequest, max_tokens: int) -> dict[str, object]:
    """Return the fields `thinking` and `output_config` that ask for the effort of `request`.

    A budget leaves at least half of `max_tokens` for the answer. It is left out where models that have one
    refuse it: when a tool is forced, when an answer is to go on, and in the middle of calls that were made
    without thinking. Since some new models cannot be kept from thinking, `none` is asked of them as little
    effort.
    """
    effort = request.effort
    if effort is None or _PLAIN.search(model.id or model.name):
        return {}
    if not _BUDGETED.search(model.id or model.name):
        thinking = {} if effort == "none" else {"thinking": {"type": "adaptive"}}
        return {**thinking, "output_config": {"effort": _WORDS.get(effort, effort)}}
    if effort == "none" or max_tokens <= MIN_BUDGET_TOKENS or not _may_begin_to_think(request):
        return {}
    budget = max(MIN_BUDGET_TOKENS, min(_BUDGETS[effort], max_tokens // 2))
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _may_begin_to_think(request: ModelRequest) -> bool:
    """Say whether a budget is allowed: no tool is forced, and no answer is under way without thinking."""
    if request.tool_choice and request.tool_choice.mode in ("required", "named"):
        return False
    if not request.messages or request.messages[-1].role == "assistant":
        return not request.messages
    said = next((one.parts for one in reversed(request.messages) if one.role == "assistant"), ())
    has_called = any(isinstance(one, ToolCall) for one in said)
    return not has_called or any(isinstance(one, Thought) and one.signature for one in said)


def sampling_fields(model: Model, request: ModelRequest, *, thinks: bool) -> dict[str, object]:
    """Return `temperature` or, without one, `top_p`: to the models that take them, and never both.

    Their temperature ends at 1. A model that `thinks` by a budget takes neither.
    """
    named = model.id or model.name
    if thinks or not any(one.search(named) for one in (_PLAIN, _BUDGETED, _SAMPLED)):
        return {}
    if request.temperature is not None:
        return {"temperature": min(1.0, request.temperature)}
    return {} if request.top_p is None else {"top_p": request.top_p}
