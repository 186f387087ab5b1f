"""The documents: what they show runs, what they link to is there, what is generated is what the code says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.running import buttress, serve

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"<!-- runs in tests/docs -->\n```python\n(.*?)```", re.DOTALL)
SERVED = re.compile(r"<!-- runs in tests/docs against buttress serve -->\n```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not missing


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)  # ten commands, each with its start: 20 s on a machine that is free
def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorials" / "first-project.md").read_text("utf-8")
    commands = [
        line[2:] for block in CONSOLE.findall(text) for line in block.splitlines() if line.startswith("$ ")
    ]
    script = "set -e\n" + "\n".join(commands)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "welcome.md" in done.stdout
    assert "I could not find an answer" in done.stdout


@pytest.mark.slow
def test_the_program_of_the_readme_runs(tmp_path: Path) -> None:
    (program,) = PYTHON.findall((ROOT / "README.md").read_text("utf-8"))
    project = tmp_path / "project"
    shutil.copytree(ROOT / "src" / "buttress" / "cli" / "templates" / "support", project)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Ended(" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_is_asked_of_serve_is_answered(tmp_path: Path) -> None:
    """By OpenAI's client in the README, and by the page on re-ranking."""
    (program,) = SERVED.findall((ROOT / "README.md").read_text("utf-8"))
    (reranking,) = SERVED.findall((ROOT / "docs" / "how-to" / "re-rank-documents.md").read_text("utf-8"))
    project = tmp_path / "project"
    shutil.copytree(ROOT / "src" / "buttress" / "cli" / "templates" / "support", project)
    assert buttress(project, "ingest").returncode == 0
    with serve(project) as served:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"OPENAI_BASE_URL": f"{served.url}/v1", "OPENAI_API_KEY": "none"},
            capture_output=True,
            text=True,
            check=False,
        )
        reranking = reranking.replace("http://127.0.0.1:8700", served.url)
        ranked = subprocess.run(
            [sys.executable, "-c", reranking], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert "welcome.md" in done.stdout
    assert ranked.returncode == 0, ranked.stderr
    assert ranked.stdout.startswith("1 0.")
