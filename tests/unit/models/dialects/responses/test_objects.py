"""The objects of the Responses API."""

import pytest
from openai.types.responses import Response, ResponseUsage

from buttress.kernel.messages import FinishReason
from buttress.kernel.usage import Usage
from buttress.models.dialects.responses.objects import begun, ended, failed, item_id, usage_of
from buttress.models.dialects.types import Told
from buttress.models.errors import ModelUnavailable, RateLimited
from tests.unit.models.dialects.responses.answers import TOLD, USAGE


def test_a_response_has_every_field_that_openai_requires() -> None:
    response = Response.model_validate(begun(TOLD, None))
    assert (response.id, response.status, response.created_at) == ("resp_7", "in_progress", 1_780_000_000)


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_how_a_response_ended(reason: FinishReason, status: str, details: object) -> None:
    response = ended(begun(TOLD, None), [], reason, None, None)
    assert (response["status"], response["incomplete_details"]) == (status, details)
    assert "buttress" not in response


def test_usage_is_summed_as_openai_does_so_that_cached_tokens_are_not_billed_twice() -> None:
    usage = ResponseUsage.model_validate(usage_of(USAGE))
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (35, 10, 45)
    assert (usage.input_tokens_details.cached_tokens, usage.input_tokens_details.cache_write_tokens) == (
        20,
        5,
    )
    assert usage.output_tokens_details.reasoning_tokens == 3
    assert ResponseUsage.model_validate(usage_of(Usage())).total_tokens == 0


def test_items_of_one_answer_have_ids_of_their_own() -> None:
    assert item_id(TOLD, "msg", 0) == "msg_7_0"
    assert item_id(Told(id="x", created=0, model="m"), "fc", 2) == "fc_x_2"


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limit_exceeded"), (503, "server_error"), (502, "server_error")]
)
def test_a_failed_response_has_a_code_of_the_api(status: int, code: str) -> None:
    error = RateLimited("too many") if status == 429 else ModelUnavailable("away")
    response = Response.model_validate(failed(begun(TOLD, None), [], error, status))
    assert response.status == "failed"
    assert response.error is not None
    assert response.error.code == code
