"""The files of a project, read: every mistake of a file at once."""

from pathlib import Path

import pytest

from buttress.app.project import compiled_releases, knowledge_bases
from buttress.gateway.compiling.errors import FeatureInvalid
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


def test_a_feature_may_not_use_knowledge_there_is_not(project: Path) -> None:
    with pytest.raises(FeatureInvalid, match="docs"):
        compiled_releases(project, {})


def test_a_release_is_the_same_wherever_the_project_is(ingested: Path, project: Path) -> None:
    ids = {compiled_releases(one, knowledge_bases(one))["support"].release_id for one in (ingested, project)}
    assert len(ids) == 1
