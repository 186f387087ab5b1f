"""A small project to ask: the template of `buttress init`, with a source for staff and another tenant."""

import re
from pathlib import Path
from shutil import copytree, ignore_patterns

import buttress

TEMPLATE = Path(buttress.__file__).parent / "cli" / "templates" / "support"
EXAMPLE = Path(__file__).parent.parent / "examples" / "support"

ANSWERABLE = "What happens when nothing fits?"
"""A question that the welcome page answers."""

NONSENSE = "xylophone zebra quux"
"""A question that no passage has to do with."""

SALARIES = "What is the salary band of a senior gardener?"
"""A question that only staff find something for."""

OTHER_MODEL = "knowledge.embedder.max_tokens=256"
"""A setting that names another embedding model than what was taken in: as while its index is being built."""

_DOCS = """
sources:
  - {folder: documents, readers: ["*"]}
  - {folder: staff, readers: ["group:staff", "user:ada"]}
"""

_ACME = """
tenant: acme
sources:
  - {folder: acme, readers: ["*"]}
"""

_PATIENT = """
# Tests share the machine with others: nothing is skipped for being late.
knowledge: {engine: {stage_timeout_s: 30, call_timeout_s: 60}}
models: {quotes: {rank_timeout_s: 30}}
"""

_MODELS = """
models:
  quotes: {{provider: extractive}}
{models}
ladders:
  answers: [{rungs}]
"""


def make_project(folder: Path) -> None:
    """Write the project, not yet ingested."""
    copytree(TEMPLATE, folder)
    (folder / "buttress.yaml").write_text(_PATIENT)
    (folder / "knowledge" / "docs.yaml").write_text(_DOCS)
    (folder / "knowledge" / "acme.yaml").write_text(_ACME)
    write_document(
        folder / "staff" / "salaries.md", "# Salary bands\n\nA senior gardener is in salary band 7.\n"
    )
    write_document(
        folder / "acme" / "rockets.md", "# Rockets\n\nAn Acme rocket reaches the moon in 3 days.\n"
    )


def copy_example(project: Path) -> Path:
    """Copy the example to `project`, without its language model: for what is not about one."""
    copytree(EXAMPLE, project, ignore=ignore_patterns(".buttress", "__pycache__"))
    put_on_ladder(project)
    return project


def write_document(path: Path, text: str) -> None:
    """Write a document, and the folders it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def put_on_ladder(project: Path, *urls: str, key: str = "", quotes_last: bool = True) -> None:
    """Make a ladder of a model at each of `urls`, named rung-1, rung-2, ..., and the one that quotes."""
    entry = (
        "  rung-{number}: {{provider: openai, id: scripted, base_url: '{url}', key: '{key}', "
        "price: {{input: 1.0, output: 2.0}}}}"
    )
    models = [entry.format(number=number, url=url, key=key) for number, url in enumerate(urls, start=1)]
    rungs = [f"rung-{number}" for number in range(1, len(urls) + 1)] + (["quotes"] if quotes_last else [])
    text = _MODELS.format(models="\n".join(models), rungs=", ".join(rungs))
    (project / "models.yaml").write_text(text)


def without_progress(said: str) -> str:
    """Return what a command said on standard error less the lines of how far an ingest is: they come late."""
    return re.sub(r"^[\d,]+ s: .* tokens/s\n", "", said, flags=re.MULTILINE)
