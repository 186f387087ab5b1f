"""Which answers may be given again."""

import msgspec
import pytest

from buttress.caching.keeping import Ending, ModelEnding, why_not_kept, why_not_kept_of_model

WELL = Ending(is_answered=True, text="Yes.", finish="stop", spoke={"small"}, meant={"small", "quotes"})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({}, None, id="it ended well"),
        pytest.param({"finish": None, "spoke": {"small", "quotes"}}, None, id="quotes that go on"),
        pytest.param({"is_answered": False}, "fallback", id="a fallback, or what was cut"),
        pytest.param({"text": " \n"}, "empty", id="all of it was withheld"),
        pytest.param({"finish": "length"}, "finished:length", id="it was cut at its length"),
        pytest.param({"finish": "content_filter"}, "finished:content_filter", id="it was refused"),
        pytest.param({"spoke": {"large"}}, "other_model", id="a model further down the ladder"),
        pytest.param({"failed": True}, "other_model", id="one that failed, and another"),
        pytest.param({"is_degraded": True}, "degraded", id="a search that lacked a stage"),
    ],
)
def test_only_whole_answers_that_ended_well_are_kept(changes: dict[str, object], reason: str | None) -> None:
    assert why_not_kept(msgspec.structs.replace(WELL, **changes)) == reason


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        pytest.param(ModelEnding(finish="stop", fields={"temperature": 0}), None, id="temperature 0"),
        pytest.param(ModelEnding(finish="stop", fields={"temperature": 0.0, "n": 1}), None, id="written 0.0"),
        pytest.param(ModelEnding(finish="stop", fields={}), "sampled", id="no temperature is the upstream's"),
        pytest.param(ModelEnding(finish="stop", fields={"temperature": 0.2}), "sampled", id="above 0"),
        pytest.param(ModelEnding(finish="stop", fields={}, sampled=True), None, id="the entry allows it"),
        pytest.param(
            ModelEnding(finish="stop", fields={"temperature": 0, "n": 2}), "several", id="several at once"
        ),
        pytest.param(
            ModelEnding(finish="tool_calls", fields={"temperature": 0}),
            "finished:tool_calls",
            id="a call of a tool",
        ),
        pytest.param(ModelEnding(finish="length", fields={"temperature": 0}), "finished:length", id="a cut"),
        pytest.param(ModelEnding(finish=None, fields={"temperature": 0}), "finished:None", id="no end"),
        pytest.param(
            ModelEnding(finish="stop", fields={"temperature": 0}, failed=True), "other_model", id="a stand-in"
        ),
    ],
)
def test_answers_of_models(ending: ModelEnding, reason: str | None) -> None:
    assert why_not_kept_of_model(ending) == reason
