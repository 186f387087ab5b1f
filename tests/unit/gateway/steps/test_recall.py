"""Recall: nothing is cached yet, and the step is there all the same."""

from buttress.gateway.steps.recall import recall
from buttress.gateway.types import Ruled
from tests.unit.gateway.world import World, a_call, a_release, inspected


async def test_the_question_goes_on(world: World) -> None:
    call = a_call(world.ports)
    ruled = Ruled(inspected(a_release(), {"question": "Why?"}))
    assert (await recall(ruled, call)).ruled == ruled
    assert [span.name for span in call.recorder.spans] == ["recall"]
