"""`buttress doctor`: what is well and what is not, each with what to do."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from buttress.app.layout import run_folder
from buttress.cli.doctor import NEEDED
from buttress.kernel.clock import SystemClock
from buttress.models.local_file import PACKAGE
from buttress.processes.announcing import Announcer
from tests.projects import make_project, put_on_ladder
from tests.unit.cli.conftest import Run

URL_OF_NOBODY = "storage.database_url=postgresql://nobody@127.0.0.1:1/x"


def by_name(text: str) -> dict[str, dict[str, object]]:
    """Return the findings of a `--json`, by their names."""
    return {one["name"]: one for one in json.loads(text)}


@pytest.mark.slow
def test_a_project_that_is_well(run: Run, ingested: Path) -> None:
    ran = run("--project", ingested, "doctor", "--json")
    found = by_name(ran.out)
    assert ran.code == 0
    assert all(one["well"] for one in found.values())
    assert {"python", "settings", "disk", "features", "database", "embedding model", *NEEDED} <= set(found)
    assert "support" in str(found["features"]["detail"])
    assert str(found["database"]["detail"]).startswith("PostgreSQL 1")


def test_every_trouble_is_told_and_the_rest_is_looked_at(run: Run, project: Path) -> None:
    (project / "features" / "support" / "feature.yaml").write_text("stages: 7\n")
    (project / "budgets.yaml").write_text("budgets: {day: {limit: much}}\n")
    (project / "limits.yaml").write_text("limits: {each: {per: [usr], concurrent: 3}}\n")
    (project / "alerts.yaml").write_text("webhooks: {ops: {url: nowhere, secret: plain}}\n")
    flags = ("--set", URL_OF_NOBODY, "--set", "knowledge.embedder.folder=/nowhere")
    ran = run("--project", project, *flags, "doctor", "--json")
    found = by_name(ran.out)
    assert ran.code == 1
    ill = {name for name, one in found.items() if not one["well"]}
    assert ill == {"features", "budgets", "limits", "alerts", "database", "embedding model"}
    assert all(found[name]["hint"] for name in ill)


@pytest.mark.parametrize(
    ("entry", "well", "detail"),
    [
        pytest.param("{provider: local}", True, "it: the packaged file, 98 MB, 4,096 tokens", id="packaged"),
        pytest.param(
            "{provider: local, path: models.yaml}", False, "is not a GGUF (models.local_broken)", id="no GGUF"
        ),
        pytest.param("{provider: local, path: no.gguf}", False, "(models.local_missing)", id="no file"),
    ],
)
def test_the_file_of_a_local_model_is_looked_at(
    run: Run, project: Path, entry: str, *, well: bool, detail: str
) -> None:
    if well and find_spec(PACKAGE) is None:
        pytest.skip(f"{PACKAGE} is not installed: make setup")
    (project / "models.yaml").write_text(f"models: {{it: {entry}}}\n")
    flags = ("--set", URL_OF_NOBODY, "--set", "knowledge.embedder.folder=/nowhere")
    found = by_name(run("--project", project, *flags, "doctor", "--json").out)["local model"]
    assert found["well"] is well
    assert str(found["detail"]).endswith(detail)


@pytest.mark.slow
def test_what_else_knowledge_needs_is_looked_for(run: Run, project: Path) -> None:
    """The program that reads scanned pages, and the re-ranker, where they are named."""
    on = ("--set", "knowledge.parsing.ocr.engine=tesseract")
    nobody = ("--set", "knowledge.parsing.ocr.program=tesseract-of-nobody")
    model = ("--set", "knowledge.reranker.model=models/of-nobody")
    ran = run("--project", project, *on, *nobody, *model, "doctor", "--json")
    found = by_name(ran.out)["ocr"]
    assert "(knowledge.reranker_missing)" in str(by_name(ran.out)["re-ranker"]["detail"])
    assert ran.code == 1
    assert not found["well"]
    assert "`tesseract-of-nobody` is not installed (knowledge.ocr_missing)" in str(found["detail"])
    assert "apt install tesseract-ocr" in str(found["hint"])
    url = ("--set", "knowledge.reranker.model=https://rank.example/v1")
    well = by_name(run("--project", project, *nobody, *url, "doctor", "--json").out)
    assert "ocr" not in well
    assert well["re-ranker"]["detail"] == "the service https://rank.example/v1"


def test_each_secret_is_looked_for(run: Run, tmp_path: Path) -> None:
    project = tmp_path / "project"
    make_project(project)
    put_on_ladder(project, "http://127.0.0.1:9/v1", key="file:no-such-key")
    (project / "url").write_text("postgresql://nobody:hunter2@127.0.0.1:1/x")
    wiki = "{git: https://git.example/wiki.git, token: file:no-token, readers: ['*']}"
    (project / "knowledge" / "wiki.yaml").write_text(f"sources: [{wiki}]\n")
    ran = run("--project", project, "--set", "storage.database_url=file:url", "doctor", "--json")
    found = by_name(ran.out)
    assert ran.code == 1
    missing = found["secret key of model rung-1"]
    assert (missing["well"], "file:no-such-key" in str(missing["detail"])) == (False, True)
    assert found["secret storage.database_url"]["well"]
    assert not found["secret token of source https://git.example/wiki.git of wiki"]["well"]
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.slow
def test_the_library_for_others_is_looked_for_where_a_model_needs_it(run: Run, tmp_path: Path) -> None:
    command = ("--project", tmp_path, "--set", URL_OF_NOBODY, "doctor", "--json")
    (tmp_path / "buttress.yaml").write_text("")
    (tmp_path / "models.yaml").write_text("models: {quotes: {provider: extractive}}\n")
    assert "longtail" not in by_name(run(*command).out)
    (tmp_path / "models.yaml").write_text("models: {big: {provider: longtail, id: 'bedrock:x'}}\n")
    found = by_name(run(*command).out)["longtail"]
    assert found["well"] == (find_spec("any_llm") is not None)
    assert str(found["detail"]).endswith("installed, for big")
    assert "pip install 'buttress[longtail]'" in str(found["hint"])


def test_settings_that_cannot_be_read_end_it(run: Run, project: Path) -> None:
    (project / "buttress.yaml").write_text("server: 7\n")
    ran = run("--project", project, "doctor")
    assert (ran.code, ran.err) == (1, "")
    assert "bad  settings: " in ran.out
    assert "buttress.yaml:1" in ran.out


def test_outside_of_a_project(run: Run, tmp_path: Path) -> None:
    ran = run("--project", tmp_path, "doctor")
    assert ran.code == 1
    assert "buttress init" in ran.out


def test_processes_that_run_are_told(run: Run, project: Path) -> None:
    Announcer(run_folder(project), "calls-1", SystemClock()).say(ready=False, message="compiling")
    ran = run("--project", project, "--set", URL_OF_NOBODY, "doctor")
    assert "bad  process calls-1: not_ready compiling" in ran.out
