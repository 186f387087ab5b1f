"""`buttress releases`: what compiles, and what is wrong with what does not."""

import json
from pathlib import Path

from tests.unit.cli.conftest import Run


def test_one_line_a_feature(run: Run, ingested: Path) -> None:
    ran = run("--project", ingested, "releases")
    assert (ran.code, ran.err) == (0, "")
    (line,) = ran.out.splitlines()
    assert line.startswith("support ")
    assert "  rel_" in line
    assert "known answers > find > write" in line


def test_json_holds_whole_releases(run: Run, ingested: Path) -> None:
    (release,) = json.loads(run("--project", ingested, "releases", "--json").out)
    assert release["feature"] == "support"
    assert [stage["kind"] for stage in release["stages"]] == ["rules", "retrieve", "generate"]


def test_every_mistake_is_named_with_file_line_and_hint(run: Run, project: Path) -> None:
    feature = project / "features" / "support" / "feature.yaml"
    text = feature.read_text().replace("knowledge: docs", "knowledge: dosc").replace("answer.md", "anser.md")
    feature.write_text(text)
    ran = run("--project", project, "releases")
    assert (ran.code, ran.out) == (2, "")
    for wrong in ("dosc", "anser.md"):
        line = next(number for number, line in enumerate(text.splitlines(), start=1) if wrong in line)
        assert f"feature.yaml:{line}: " in ran.err
    assert ran.err.count("hint: ") >= 2


def test_mistakes_as_json(run: Run, project: Path) -> None:
    (project / "models.yaml").write_text("models: 7\n")
    ran = run("--project", project, "releases", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert json.loads(ran.err)["error"]["code"] == "gateway.feature_invalid"


def test_a_project_without_features(run: Run, tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    assert run("--project", tmp_path, "releases").code == 0
    assert run("--project", tmp_path, "releases", "--json").out == "[]\n"


def test_a_project_without_features_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "buttress.yaml").touch()
    ran = run("--project", tmp_path, "releases")
    assert (ran.code, ran.out) == (0, "")
    assert "No features yet" in ran.err
    assert json.loads(run("--project", tmp_path, "releases", "--json").out) == []
