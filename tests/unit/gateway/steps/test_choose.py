"""Choose: the release of the feature that was asked for, or a name that was meant."""

import pytest

from buttress.gateway.errors import FeatureUnknown
from buttress.gateway.steps.choose import choose
from tests.unit.gateway.world import World, a_call, a_release, admitted, asked


async def test_the_release_is_that_of_the_feature(world: World) -> None:
    call = a_call(world.ports)
    chosen = await choose(admitted(asked()), call)
    assert chosen.release == a_release()
    assert call.release_id == chosen.release.release_id == call.recorder.spans[0].data["release"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("suport", "support", id="a slip"),
        pytest.param("billing", "Known features: support.", id="another name"),
        pytest.param("", "Known features: support.", id="no name"),
        pytest.param("../support", "support", id="a path"),
    ],
)
async def test_a_feature_there_is_not(world: World, name: str, hint: str) -> None:
    with pytest.raises(FeatureUnknown) as unknown:
        await choose(admitted(asked(feature=name)), a_call(world.ports))
    assert repr(name) in unknown.value.message
    assert hint in unknown.value.hint
