"""A project: all its features, with its models; every mistake of all of them at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.access.limits import Limit
from buttress.gateway.compiling.errors import FeatureInvalid
from buttress.gateway.compiling.project import compile_project, read_limit_file, read_models
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.errors import Mistake, listing

WriteFeature = Callable[..., Path]
Files = dict[str, str]
KNOWLEDGE = {"handbook"}
MODELS = "models:\n  small: {provider: extractive}\nladders:\n  answers: [small]\n"


@pytest.fixture
def project(tmp_path: Path, write_feature: WriteFeature, feature_files: Files) -> Path:
    """A project with one feature, `support`."""
    write_feature(feature_files)
    (tmp_path / "models.yaml").write_text(MODELS)
    return tmp_path


def mistakes_of(project: Path) -> list[str]:
    """Return the mistakes of a project that has some."""
    mistakes = compile_project(project, KNOWLEDGE)
    assert isinstance(mistakes, list)
    return [str(one).replace(f"{project}/", "") for one in mistakes]


def test_every_feature_is_compiled(project: Path, write_feature: WriteFeature, feature_files: Files) -> None:
    write_feature(feature_files, "another-1")
    releases = compile_project(project, KNOWLEDGE)
    assert isinstance(releases, dict)
    assert {name: release.feature for name, release in releases.items()} == {
        "another-1": "another-1",
        "support": "support",
    }


def test_loose_files_and_hidden_folders_are_no_features(project: Path) -> None:
    (project / "features" / "README.md").touch()
    (project / "features" / ".git").mkdir()
    (project / "features" / "__pycache__").mkdir()
    assert len(compile_project(project, KNOWLEDGE)) == 1


def test_a_project_without_features_or_models_is_empty(tmp_path: Path) -> None:
    assert compile_project(tmp_path, set()) == {}
    assert compile_project(tmp_path / "nowhere", set()) == {}
    assert read_models(tmp_path) == Catalogue({}, {})


@pytest.mark.parametrize("name", ["Support", "a_b", "a b", "-a", "ä", "x" * 64])
def test_a_name_that_is_none_is_told(project: Path, write_feature: WriteFeature, name: str) -> None:
    write_feature({"feature.yaml": ""}, name)
    assert any(f"`{name}` is no name for a feature" in one for one in mistakes_of(project))


@pytest.mark.parametrize("name", ["small", "answers"])
def test_a_name_that_a_model_has_is_told(project: Path, name: str) -> None:
    (project / "features" / "support").rename(project / "features" / name)
    assert any("is a model or ladder" in one for one in mistakes_of(project))


def test_mistakes_of_all_files_are_told_at_once(
    project: Path, write_feature: WriteFeature, feature_files: Files
) -> None:
    (project / "models.yaml").write_text(MODELS.replace("extractive", "extractiv"))
    (project / "features" / "empty").mkdir()
    feature_files["feature.yaml"] = feature_files["feature.yaml"].replace("handbook", "handbok")
    write_feature(feature_files, "other")
    told = mistakes_of(project)
    assert [one.split(": ")[0] for one in told] == [
        "models.yaml:2",
        "features/empty/feature.yaml",
        "features/other/feature.yaml:18",
    ]


def test_a_models_file_that_cannot_be_read_is_told(project: Path) -> None:
    (project / "models.yaml").unlink()
    (project / "models.yaml").symlink_to("models.yaml")
    assert mistakes_of(project)[0].startswith("models.yaml: ")
    (project / "models.yaml").unlink()
    (project / "models.yaml").write_bytes(b"\xff")
    assert "not UTF-8" in mistakes_of(project)[0]


def test_features_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "features").touch()
    assert mistakes_of(tmp_path)[0].startswith("features: ")


def test_the_error_lists_every_mistake(project: Path) -> None:
    (project / "models.yaml").write_text("models: {a: {provider: x}, b: {provider: y}}")
    mistakes = compile_project(project, KNOWLEDGE)
    assert isinstance(mistakes, list)
    error = listing(FeatureInvalid, mistakes)
    assert error.code == "gateway.feature_invalid"
    assert all(str(one) in error.message for one in mistakes)
    assert error.message.startswith(f"{len(mistakes)} mistakes")
    listed = error.as_dict()["data"]
    assert isinstance(listed, dict)
    assert len(listed["mistakes"]) == len(mistakes)


def test_a_project_without_models_is_told_what_to_write(project: Path) -> None:
    (project / "models.yaml").unlink()
    (told,) = mistakes_of(project)
    assert "no ladder or model is called `answers`: the project has none" in told
    assert "Write models.yaml" in told


def test_a_models_file_of_another_name_is_told(project: Path) -> None:
    (project / "models.yaml").rename(project / "models.yml")
    assert mistakes_of(project)[0].startswith("models.yml: this file is not read")


def test_limits_are_read_and_their_mistakes_told(project: Path) -> None:
    assert read_limit_file(project) == ()
    path = project / "limits.yaml"
    path.write_text("limits: {each-key: {per: [key], requests_per_minute: 60}}")
    assert read_limit_file(project) == (Limit(name="each-key", per=("key",), requests_per_minute=60),)
    path.write_text("limits: {each-key: {per: [keys]}}")
    mistakes = read_limit_file(project)
    assert [one.where.path for one in mistakes if isinstance(one, Mistake)] == [path, path]
    path.rename(project / "limits.yml")
    (misnamed,) = read_limit_file(project)
    assert isinstance(misnamed, Mistake)
    assert "limits.yaml" in misnamed.message
