"""Releases: their identity is that of their content."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import plain_ladder
from buttress.kernel.usage import NanoDollars
from buttress.releases.types import (
    CostTarget,
    FallbackText,
    GenerateStage,
    Release,
    RulesStage,
    file_sha256,
    identified,
)
from tests.unit.releases.releasing import a_release

RELEASE = a_release()
texts = st.text(max_size=20)


def test_an_id_is_readable_and_says_what_it_is_of() -> None:
    assert RELEASE.release_id.startswith("rel_")
    assert len(RELEASE.release_id) == 20


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"fallback": FallbackText("No.")}, id="the fallback"),
        pytest.param({"prompts": {"answer.md": "# user\n{{ question }}!\n"}}, id="a prompt"),
        pytest.param({"stages": RELEASE.stages[1:]}, id="a stage less"),
        pytest.param({"stages": RELEASE.stages[::-1]}, id="the order of stages"),
        pytest.param({"ladders": {"answers": plain_ladder()}}, id="a ladder"),
        pytest.param({"input_schema": {"type": "object"}}, id="the input"),
    ],
)
def test_what_matters_changes_the_id(changed: dict[str, object]) -> None:
    other = identified(msgspec.structs.replace(RELEASE, **changed))
    assert other.release_id != RELEASE.release_id


def test_where_it_came_from_does_not_change_the_id() -> None:
    other = msgspec.structs.replace(RELEASE, files={"x.md": "1" * 64})
    assert identified(other).release_id == RELEASE.release_id
    assert identified(identified(other)) == identified(other)


def test_what_it_should_cost_does_not_change_the_id() -> None:
    """An answer does not depend on who is told what it costs: no cache is emptied for it."""
    other = msgspec.structs.replace(RELEASE, cost=CostTarget(per_interaction=NanoDollars(1)))
    assert identified(other).release_id == RELEASE.release_id


@given(st.dictionaries(texts, texts, max_size=5), texts)
def test_a_release_survives_being_stored_and_keeps_its_id(prompts: dict[str, str], description: str) -> None:
    release = identified(msgspec.structs.replace(RELEASE, prompts=prompts, description=description))
    as_stored = json.dumps(json.loads(msgspec.json.encode(release)), sort_keys=True)
    again = msgspec.json.decode(as_stored, type=Release)
    assert again == release
    assert identified(again).release_id == release.release_id


@given(st.dictionaries(texts, texts, min_size=2, max_size=5))
def test_the_order_of_files_does_not_count(prompts: dict[str, str]) -> None:
    backwards = dict(reversed(prompts.items()))
    one, other = (
        identified(msgspec.structs.replace(RELEASE, prompts=part)).release_id for part in (prompts, backwards)
    )
    assert one == other


def test_the_models_of_a_stage_come_in_the_order_they_are_tried() -> None:
    stage = RELEASE.stages[2]
    assert isinstance(stage, GenerateStage)
    assert [model.name for model in RELEASE.models_of(stage)] == ["quotes"]


def test_stages_are_told_apart_by_their_kind() -> None:
    assert msgspec.to_builtins(RELEASE)["stages"][0]["kind"] == "rules"
    assert isinstance(RELEASE.stages[0], RulesStage)


@given(st.lists(st.binary(max_size=10).filter(lambda line: b"\r" not in line), max_size=5))
def test_how_lines_end_does_not_change_the_hash_of_a_file(lines: list[bytes]) -> None:
    assert file_sha256(b"\n".join(lines)) == file_sha256(b"\r\n".join(lines))
