"""Every way to read is known to the walk of tests/leaks, or somebody said why it needs none.

Whoever adds a route, a command, a method that others read by, or a query of the database finds it named here
as unknown. Then either a reading in tests/leaks/readings.py goes through it, or its reason stands below.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

import buttress
from buttress.app.buttress import Buttress
from buttress.app.recalling import ProjectAnswers
from buttress.cli.main import cli
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import Index
from buttress.knowledge.ports import Engine
from buttress.server.asgi import CallServer, Readiness
from buttress.server.bells import Bell
from buttress.server.metrics import WorkerMetrics
from tests.leaks.readings import READINGS

SOURCE = Path(buttress.__file__).parent

WRITES = "nothing is read by it"
OPERATOR = "for who runs the process, about all tenants: behind no door"
OWN = "of the process itself, no tenant's"
INSIDE = "what is read here is looked through by who calls it, which the walk does"

_IN_A_NAME = {"tenant", "user", "group"}

Known = Mapping[str, frozenset[str] | str]
"""What can be read by: with the readings that go through it, or with the reason why none does."""


def by(*readings: str) -> frozenset[str]:
    """Return the names of readings, told from a reason."""
    return frozenset(readings)


QUERIES: Known = {
    "access.idempotency_store.IdempotencyStore.claim": by("door_once"),
    "access.store.KeyStore.all": by("door_barred"),
    "access.store.KeyStore.get": by("door_barred"),
    "access.store.KeyStore.change": WRITES,
    "caching.store.AnswerStore.get": by("kept", "ask"),
    "caching.store.AnswerStore.cited": OPERATOR,
    "caching.store.AnswerStore.similar": by("kept", "ask"),
    "caching.store.AnswerStore.held": by("held"),
    "cli.doctor._database": OWN,
    "knowledge.syncing.ledger.knowledge_in": OPERATOR,
    "knowledge.syncing.ledger.documents_in": OPERATOR,
    "knowledge.syncing.ledger.ids_of_documents": OPERATOR,
    "knowledge.syncing.ledger.state_of_knowledge": by("ask"),
    "knowledge.syncing.ledger.Ledger.rows": OPERATOR,
    "knowledge.syncing.ledger.Ledger.excerpt": by("excerpt", "door_document"),
    "knowledge.syncing.ledger.Ledger.generation": OWN,
    "knowledge.syncing.ledger.Ledger.named": by("named", "read_through"),
    "knowledge.syncing.syncs.SyncLog.all": OPERATOR,
    "prompts.piece_store.PieceStore.kept": by("pieces", "read_through"),
    "prompts.store.ConversationStore.claim": "for the summary of the conversation that was just asked in",
    "knowledge.syncing.ledger.Ledger.changing": WRITES,
    "prompts.store.ConversationStore.latest": by("turns", "converse"),
    "releases.store.ReleaseStore.get": OPERATOR,
    "releases.store.ReleaseStore.latest": OPERATOR,
    "spend.standings.Standings.look": OPERATOR,
    "spend.states.account_states": by("door_figures"),
    "spend.store.Ledger.grant": WRITES,
    "spend.store.Ledger.bury": WRITES,
    "spend.store.Ledger.balance": OPERATOR,
    "storage.database.Database.connection": INSIDE,
    "tracing.figures.FigureStore.of": OPERATOR,
    "tracing.saved.saved": OPERATOR,
    "tracing.spent.spent": by("door_figures"),
    "tracing.store.TraceStore.add": WRITES,
    "tracing.store.TraceStore.cited": OPERATOR,
    "tracing.store.TraceStore.latest": by("traces"),
    "tracing.store.TraceStore.get": by("traces"),
    "watch.store.AlertStore.raise_alerts": WRITES,
    "watch.store.AlertStore.claim": OPERATOR,
    "watch.store.AlertStore.drop_others": WRITES,
    "watch.store.AlertStore.retry": OPERATOR,
    "watch.store.AlertStore._list": by("door_barred"),
}
"""Functions that ask the database; those that return nothing, a number or a yes are left out."""

ENGINE: Known = {
    "search": by("search", "ask", "converse", "door_features", "door_clients"),
    "rank_sentences": "the caller's own sentences are ranked",
    "embed": "the caller's own texts are embedded",
    "rerank": "the caller's own documents are ranked",
    "status": OWN,
}

TABLE: Known = {
    "vector_search": by("search"),
    "text_search": by("search"),
    "texts_with": by("search"),
    "candidates": by("search"),
    "vectors": "of what was found before, in the scope",
    "places": by("evaluation", "tuning"),
    "matrix": by("search"),
    "states": OPERATOR,
    "known": OPERATOR,
    "tokens": by("search"),
    "sample": "only how common words are is kept of it",
    "count": OWN,
    "version": OWN,
    "replace": WRITES,
    "remove": WRITES,
    "tidy": WRITES,
}
INDEX: Known = {
    "table": INSIDE,
    "find": INSIDE,
    "tables": OWN,
    "make": WRITES,
    "drop": WRITES,
    "knowledge": OPERATOR,
}

FRONT: Known = {
    "ask": by("ask", "converse"),
    "stream": by("door_clients"),
    "watch": by("door_features"),
    "relay": by("door_model"),
    "search": by("search"),
    "excerpt": by("excerpt", "door_document"),
    "traces": by("traces"),
    "ingest": OPERATOR,
    "plan": OPERATOR,
    "listen": OPERATOR,
    "share": OPERATOR,
    "ship": WRITES,
    "catch_up": WRITES,
    "forget_shipped": WRITES,
    "keep_releases": WRITES,
    "forget_conversations": WRITES,
    "begin_local_model": OWN,
    "adopt": WRITES,
    "seal": WRITES,
    "open": OWN,
    "opened": OWN,
}

ANSWERS: Known = {
    "amid": OWN,
    "knowledge": by("ask"),
    "get": by("ask", "kept"),
    "similar": by("ask", "kept"),
    "put": WRITES,
    "join": by("ask"),
    "join_relay": by("door_model"),
}

PATHS: Known = {
    "/healthz": OWN,
    "/readyz": OWN,
    "/metrics": by("door_barred"),
    "/api/openapi.json": by("door_names"),
    "/api/alerts": by("door_barred"),
    "/api/budgets": by("door_figures"),
    "/api/spend": by("door_figures"),
    "/v1/models": by("door_names"),
    "/v1/chat/completions": by("door_clients", "door_model"),
    "/v1/responses": by("door_clients"),
    "/v1/messages": by("door_clients", "door_model"),
    "/v1/embeddings": "the caller's own texts are embedded",
    "/v1/rerank": "the caller's own documents are ranked",
    "/rerank": "the caller's own documents are ranked",
    "/v2/rerank": "the caller's own documents are ranked",
    "/": by("door_names"),
    "/api/drills/kill-model": WRITES,
    "/api/keys": by("door_barred"),
    "/v1/features/*": by("door_features", "door_once"),
    "/v1/models/*": by("door_names"),
    "/assets/*": "files of ours, the same for everybody",
    "/api/documents/*": by("door_document"),
    "/documents/*": by("door_document"),
    "/api/keys/*": by("door_barred"),
}

COMMANDS: Known = {
    "search": by("search"),
    "ask": by("ask", "converse"),
    "trace list": by("traces"),
    "trace show": by("traces"),
    "retrieval eval": by("evaluation"),
    "tune": by("tuning"),
    "spend": OPERATOR,
    "cache stats": OPERATOR,
    "cache clear": WRITES,
    "cache shadow": OPERATOR,
    "keys create": WRITES,
}
"""Commands that are told in whose name; all others are for who has the project's files."""


def _queries() -> Iterator[str]:
    """Yield the functions that ask the database and return more than a number, a yes or nothing."""
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        yield from _asking(ast.parse(path.read_text("utf-8")), module)


def _asking(node: ast.AST, place: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _asking(child, f"{place}.{child.name}")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            returned = ast.unparse(child.returns) if child.returns else ""
            if _asks(child) and returned not in ("None", "int", "bool"):
                yield f"{place}.{child.name}"


def _asks(function: ast.AST) -> bool:
    calls = (one.func for one in ast.walk(function) if isinstance(one, ast.Call))
    return any(isinstance(one, ast.Attribute) and one.attr == "connection" for one in calls)


def _methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isroutine) if not name.startswith("_")}


async def _paths(tmp_path: Path) -> set[str]:
    async with Buttress.open(tmp_path) as opened:
        server = CallServer(opened, lambda: Readiness({}), Bell(), WorkerMetrics(tmp_path, "calls"))
        return set(server.paths)


def _commands(group: click.Command, name: str = "") -> Iterator[str]:
    if not isinstance(group, click.Group):
        if _IN_A_NAME.intersection(option.name for option in group.params):
            yield name.strip()
        return
    context = click.Context(group)
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        if command is not None:
            yield from _commands(command, f"{name} {one}")


def _compare(found: set[str], known: Known, where: str) -> None:
    unknown, gone = sorted(found - known.keys()), sorted(known.keys() - found)
    told = f"{where}: add them to {where} in {Path(__file__).name}, with a reading of tests/leaks or a reason"
    assert not unknown, f"{told}: {unknown}"
    assert not gone, f"{where}: these are no more, take them out: {gone}"


def test_every_query_of_the_database_is_walked_or_excused() -> None:
    _compare(set(_queries()), QUERIES, "QUERIES")


@pytest.mark.parametrize(
    ("kind", "known", "where"),
    [
        pytest.param(Engine, ENGINE, "ENGINE", id="the engine"),
        pytest.param(Table, TABLE, "TABLE", id="a table of the index"),
        pytest.param(Index, INDEX, "INDEX", id="the index"),
        pytest.param(Buttress, FRONT, "FRONT", id="the library"),
        pytest.param(ProjectAnswers, ANSWERS, "ANSWERS", id="kept answers"),
    ],
)
def test_every_method_that_others_read_by_is_walked_or_excused(kind: type, known: Known, where: str) -> None:
    _compare(_methods(kind), known, where)


async def test_every_path_is_walked_or_excused(tmp_path: Path) -> None:
    _compare(await _paths(tmp_path), PATHS, "PATHS")


def test_every_command_is_walked_or_excused() -> None:
    _compare(set(_commands(cli)), COMMANDS, "COMMANDS")


def test_what_is_said_to_be_walked_is_a_reading() -> None:
    """A name that is mistyped would walk nothing, and a reading that nothing names reads nothing."""
    known = (QUERIES, ENGINE, TABLE, INDEX, FRONT, ANSWERS, PATHS, COMMANDS)
    told = [said for one in known for said in one.values() if isinstance(said, frozenset)]
    assert frozenset().union(*told) == {one.__name__ for one in READINGS}
