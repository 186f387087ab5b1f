"""The files of a project, read: every mistake of a file at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.app.project import (
    compiled_releases,
    declared_budgets,
    declared_limits,
    declared_webhooks,
    knowledge_bases,
)
from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import DeclarationInvalid


def test_a_project_has_its_knowledge_and_its_features(ingested: Path) -> None:
    knowledge = knowledge_bases(ingested)
    assert list(knowledge) == ["acme", "docs"]
    assert knowledge["acme"].tenant == "acme"
    assert list(compiled_releases(ingested, knowledge)) == ["support"]


def test_an_empty_folder_is_an_empty_project(tmp_path: Path) -> None:
    assert knowledge_bases(tmp_path) == {}
    assert compiled_releases(tmp_path, {}) == {}


def test_all_mistakes_of_a_knowledge_base_are_named(project: Path) -> None:
    (project / "knowledge" / "docs.yaml").write_text(
        "sources:\n  - {folder: a}\n  - {readers: []}\nchunk: {}\n"
    )
    with pytest.raises(DeclarationInvalid) as invalid:
        knowledge_bases(project)
    for line in ("docs.yaml:2", "docs.yaml:3"):
        assert line in invalid.value.message


def test_mistakes_of_features_and_models_come_together(project: Path) -> None:
    (project / "models.yaml").write_text(
        "models:\n  quotes: {provider: extractiv}\nladders: {answers: [quotes]}\n"
    )
    feature = project / "features" / "support" / "feature.yaml"
    feature.write_text(feature.read_text().replace("kind: retrieve", "kind: retrive"))
    with pytest.raises(FeatureInvalid) as invalid:
        compiled_releases(project, knowledge_bases(project))
    assert "models.yaml:2" in str(invalid.value)
    assert "feature.yaml:" in str(invalid.value)


@pytest.mark.parametrize(
    ("name", "text", "read", "code"),
    [
        pytest.param("budgets", "budgets: {a: 1}", declared_budgets, "spend.declaration", id="budgets"),
        pytest.param("limits", "limits: {a: 1}", declared_limits, "access.declaration", id="limits"),
        pytest.param("alerts", "webhooks: {a: 1}", declared_webhooks, "watch.declaration", id="webhooks"),
    ],
)
def test_mistakes_of_other_files_have_a_code_of_their_room(
    tmp_path: Path, name: str, text: str, read: Callable[[Path], object], code: str
) -> None:
    (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(ButtressError, match=rf"1 mistake:\n.*{name}\.yaml:1") as invalid:
        read(tmp_path)
    assert invalid.value.code == code
    assert isinstance(listed := invalid.value.data["mistakes"], list)
    assert len(listed) == 1


def test_a_feature_may_not_use_knowledge_there_is_not(project: Path) -> None:
    with pytest.raises(FeatureInvalid, match="docs"):
        compiled_releases(project, {})


def test_a_release_is_the_same_wherever_the_project_is(ingested: Path, project: Path) -> None:
    ids = {compiled_releases(one, knowledge_bases(one))["support"].release_id for one in (ingested, project)}
    assert len(ids) == 1
