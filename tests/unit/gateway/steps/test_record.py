"""Record: one trace, however the block is left."""

import asyncio

import msgspec
import pytest

from buttress.gateway.errors import FeatureUnknown, InputInvalid
from buttress.gateway.steps.record import recorded
from buttress.gateway.types import Reply
from buttress.models.errors import (
    RequestInvalid,
    StateUnsupported,
    StreamCut,
    Untranslatable,
    WrongKind,
)
from buttress.tracing.types import Trace
from tests.unit.gateway.world import World, a_call, a_passage, asked


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        pytest.param(
            FeatureUnknown("x"), "refused", "gateway.feature_unknown", id="refused: no such feature"
        ),
        pytest.param(InputInvalid("x"), "refused", "gateway.input_invalid", id="refused: wrong input"),
        pytest.param(WrongKind("x"), "refused", "models.wrong_kind", id="refused: not that kind of model"),
        pytest.param(
            StateUnsupported("x"), "refused", "models.state_unsupported", id="refused: nothing is kept"
        ),
        pytest.param(
            Untranslatable("x"), "refused", "models.untranslatable", id="refused: there is no word for it"
        ),
        pytest.param(RequestInvalid("x"), "refused", "models.request_invalid", id="refused: a wrong field"),
        pytest.param(StreamCut("x"), "failed", "models.stream_cut", id="failed: a known error"),
        pytest.param(ZeroDivisionError(), "failed", "bug.ZeroDivisionError", id="failed: a mistake"),
        pytest.param(asyncio.CancelledError(), "cancelled", None, id="the task was cancelled"),
        pytest.param(
            asyncio.CancelledError("server.stopping"), "cancelled", "server.stopping", id="the server stopped"
        ),
        pytest.param(GeneratorExit(), "cancelled", None, id="nobody listens any more"),
        pytest.param(KeyboardInterrupt(), "failed", "bug.KeyboardInterrupt", id="interrupted"),
    ],
)
def test_an_error_goes_on_after_its_trace(
    world: World, error: BaseException, outcome: str, code: str | None
) -> None:
    with pytest.raises(type(error)) as raised, recorded(a_call(world.ports)):
        raise error
    assert raised.value is error
    (trace,) = world.traces
    assert (trace.outcome, trace.error_code) == (outcome, code)


def test_an_error_names_the_trace_beside_what_it_knew(world: World) -> None:
    call = a_call(world.ports)
    with pytest.raises(StreamCut) as raised, recorded(call):
        raise StreamCut("x", data={"retry_after_s": 1})
    assert raised.value.data == {"retry_after_s": 1, "trace_id": call.trace_id}


def test_the_end_is_the_outcome_of_the_call(world: World) -> None:
    call = a_call(world.ports)
    with recorded(call):
        call.replied(Reply(sentences=(), outcome="fallback", reason="because", passages=(a_passage("A."),)))
        assert world.traces == []
    (trace,) = world.traces
    assert (trace.outcome, trace.error_code) == ("fallback", "because")
    assert trace.passages[0]["text"] == "A."


@pytest.mark.parametrize("name", ["plain", "ä\u0000", "half \udcff", "both \ud83d\ude00", "\\udcff"])
def test_every_name_can_be_stored(world: World, name: str) -> None:
    with recorded(a_call(world.ports, asked(feature=name, tenant=name, user=name))):
        pass
    trace = msgspec.json.decode(msgspec.json.encode(world.traces[0]), type=Trace)
    assert trace.feature == trace.tenant == trace.user_id
    if "\ud800" not in repr(name) and not any("\ud800" <= letter <= "\udfff" for letter in name):
        assert trace.feature == name


def test_it_is_noted_at_once_what_is_known_should_the_process_die(world: World) -> None:
    call = a_call(world.ports, asked(user="ada"))
    with recorded(call):
        (lost,) = world.begun
        assert world.traces == []
    assert (lost.trace_id, lost.outcome, lost.error_code) == (call.trace_id, "lost", "tracing.process_died")
    assert (lost.user_id, lost.input, lost.started_at) == ("ada", call.asked.input, call.started_at)
    assert (lost.duration_ms, lost.cost_nanodollars) == (0, None)
    assert world.begun == [lost]
    assert [one.trace_id for one in world.traces] == [call.trace_id]


def test_no_user_stays_none(world: World) -> None:
    with recorded(a_call(world.ports)):
        pass
    assert world.traces[0].user_id is None
