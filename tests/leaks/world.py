"""A project of several tenants, each with secrets of its own: documents, conversations, calls, kept answers.

Tenants, users and groups have names that are nearly each other's, so that whatever compares them loosely
shows; each document is open to other readers, and says a word that nobody else's does.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from buttress.access.keys import made
from buttress.access.texts import digest_of, key_id_of, new_text
from buttress.access.types import Key, Secret, Terms
from buttress.app.buttress import Buttress
from buttress.app.layout import index_folder, run_folder
from buttress.app.measuring import SEED
from buttress.caching.answers import Answers
from buttress.caching.settings import CachingSettings
from buttress.improve.tuning import TuningParts
from buttress.kernel.chance import Chance, SeededChance
from buttress.kernel.scope import EVERYBODY
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.index.tables import open_index
from buttress.server.asgi import CallServer, Readiness
from buttress.server.bells import Bell
from buttress.server.gate import keyring_of
from buttress.server.metrics import WorkerMetrics
from buttress.storage.database import Database
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.leaks.secrets import GROUPS, Asker, Rule, Secrets
from tests.projects import write_document

T = TypeVar("T")

TENANTS = ("green", "GREEN", "gre\u0301en", "gr\u00e9en", "green' OR '1'='1", "*")
"""A letter in another case, the same letter written in two ways, SQL, and what means everybody elsewhere."""

USERS = (None, "ada", "Ada", "bob", "*")
READERS: Mapping[str, tuple[str, ...]] = {
    "open": (EVERYBODY,),
    "staff": ("group:staff",),
    "board": ("group:board", "user:bob"),
    "ada": ("user:ada",),
    "group ada": ("group:user:ada",),
    "group star": ("group:*",),
    "star": ("user:*",),
    "nobody": ("group:nobody",),
}
"""By folder: who may see its documents."""

_SECRET = b"what the keys of this world are hashed with"
_SETTINGS = """
server: {keys: always}
knowledge: {engine: {stage_timeout_s: 60, call_timeout_s: 120, resident_from_rows: 12}}
models: {quotes: {rank_timeout_s: 60}}
caching: {read_timeout_s: 1, semantic_timeout_s: 5}
prompts: {memory: {open_timeout_s: 30}}
storage: {pool_size: 8}
"""
_MODELS = """
models:
  echo:
    {{provider: openai, id: echo, base_url: "{url}", window_tokens: 60000, cache: {{}},
      price: {{input: 1.0, output: 2.0}}}}
  quotes: {{provider: extractive}}
ladders:
  echoes: [echo]
  quoting: [quotes]
"""
_RELEVANCE = "{cosine: -1, cosine_with_words: -1, coverage: 0}"
_FEATURE = """
description: {description}
input:
  type: object
  properties: {{question: {{type: string, maxLength: 4000}}}}
  required: [question]
stages:{retrieval}
  - {{name: write, kind: generate, ladder: {ladder}, prompt: answer.md, unsupported: mark}}
{cache}
fallback: {{kind: {fallback}, text: Not found.}}
"""
_FIND = "\n  - {{name: find, kind: retrieve, knowledge: {knowledge}, passages: 8, relevance: {relevance}}}"
_CACHE = 'cache: {semantic: {mode: "on", threshold: 0.5}}'
_MAPPING = """
description: {name}
input:
  type: object
  properties: {{question: {{type: string}}, document: {{type: string}}}}
  required: [question, document]
stages:
  - {{name: read, kind: map, knowledge: {knowledge}, document: document, ladder: echoes}}
fallback: {{kind: text, text: Nothing there.}}
"""
_BUDGETS = "budgets:\n  each: {limit: 1000000 USD, window: day, per: [tenant, user], without_ledger: allow}\n"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was ingested, and the secret in it."""

    knowledge: str
    document_id: str
    secret: str
    rule: Rule


class Kept(msgspec.Struct, frozen=True):
    """An answer that is kept in PostgreSQL."""

    tenant: str
    digest: str
    feature: str
    partition: str
    meaning: tuple[float, ...]


class Held(msgspec.Struct, frozen=True):
    """A key and whom it is for, with the features that it may ask; None: every one.

    One of a tenant alone is a program's, and is believed in whose name it asks.
    """

    text: str
    asker: Asker
    features: tuple[str, ...] | None = None


class Once(msgspec.Struct, frozen=True):
    """A request that was answered under an Idempotency-Key."""

    by: Held
    body: dict[str, object]
    idempotency_key: str
    trace_id: str


class World:
    """Everything that is there. `server` is the application that HTTP is asked through."""

    def __init__(self, buttress: Buttress, server: CallServer, secrets: Secrets, tuning: TuningParts) -> None:
        self.buttress = buttress
        self.server = server
        self.secrets = secrets
        self.tuning = tuning
        self.documents: list[Document] = []
        self.of_tenant: dict[str, list[Document]] = {tenant: [] for tenant in TENANTS}
        self.conversations: list[tuple[Asker, str]] = []
        self.traces: list[tuple[str, str]] = []
        self.kept: list[Kept] = []
        self.pieces: list[str] = []
        """The digests under which it is kept what was said of documents that were read in pieces."""
        self.onces: list[Once] = []
        self.keys: dict[Asker, Held] = {}
        self.askers = askers()
        self.document_paths = [one.removesuffix("*") for one in server.paths if one.endswith("/documents/*")]
        patient = CachingSettings(read_timeout_s=10, semantic_timeout_s=5)
        self.answers = Answers(buttress.database, patient, buttress.clock)
        """What another process would look into for answers that are kept."""

    async def database(self) -> Database:
        """Return the project's database."""
        return await self.buttress.database()

    async def settle(self) -> None:
        """Have all that was said stored, and know what is kept of it."""
        await self.buttress.ship()
        query = "select tenant, digest, feature, partition, meaning from answers"
        async with (await self.database()).connection() as connection:
            rows = await (await connection.execute(query)).fetchall()
        self.kept = [
            Kept(tenant, digest, feature, partition or "", tuple(meaning or ()))
            for tenant, digest, feature, partition, meaning in rows
        ]
        async with (await self.database()).connection() as connection:
            found = await (await connection.execute("select digest from piece_answers")).fetchall()
        self.pieces = [digest for (digest,) in found]


def feature_of(tenant: str, kind: str) -> str:
    """Return the name of the feature that looks into the documents of `tenant`."""
    return f"{kind}-{TENANTS.index(tenant)}"


def knowledge_of(tenant: str) -> str:
    """Return the name of the knowledge base of `tenant`."""
    return f"base-{TENANTS.index(tenant)}"


def askers() -> list[Asker]:
    """Return everybody who asks: each user of each tenant, in each set of groups."""
    return [
        Asker(tenant=tenant, user=user, groups=groups)
        for tenant in TENANTS
        for user in USERS
        for groups in GROUPS
    ]


def pick(options: Sequence[T], chance: Chance) -> T:
    """Return one of `options`."""
    return options[int(chance.fraction() * len(options))]


@asynccontextmanager
async def opened_world(folder: Path) -> AsyncIterator[World]:
    """Make a project in `folder`, read its documents, and open it for the block; its keys are known."""
    async with ScriptedUpstream(_echo) as upstream:
        secrets = Secrets()
        _write(folder, upstream.url, secrets)
        async with Buttress.open(folder) as buttress, _tuning(buttress) as tuning:
            keyring = keyring_of(buttress)
            metrics = WorkerMetrics(run_folder(folder), "calls", lambda: buttress.present)
            server = CallServer(buttress, lambda: Readiness({}), Bell(), metrics, keyring)
            world = World(buttress, server, secrets, tuning)
            keyring.ring.adopt(_issued(world), _SECRET)
            await buttress.ingest()
            await _find_documents(world)
            async with world.answers:
                yield world


@asynccontextmanager
async def _tuning(buttress: Buttress) -> AsyncIterator[TuningParts]:
    """Have for the block what a tuning works with; one process loads it for each."""
    with closing(SharedEmbedder(buttress.settings.knowledge.embedder)) as embedder:
        yield TuningParts(
            index=await open_index(index_folder(buttress.project)),
            embedder=await embedder(),
            rerankers={},
            clock=buttress.clock,
            chance=SeededChance(SEED),
        )


def _echo(received: Received) -> Reply:
    """Answer with all that the model was shown: what reaches a model counts as told."""
    return Reply(chunks=(msgspec.json.encode(received.body.get("messages")).decode(),))


def _write(folder: Path, url: str, secrets: Secrets) -> None:
    files = {"buttress.yaml": _SETTINGS, "models.yaml": _MODELS.format(url=url), "budgets.yaml": _BUDGETS}
    files |= _feature("plain", secrets, ladder="echoes", cache="cache: {}")
    for tenant in TENANTS:
        find = _FIND.format(knowledge=knowledge_of(tenant), relevance=_RELEVANCE)
        files |= _feature(
            feature_of(tenant, "quotes"), secrets, ladder="quoting", cache=_CACHE, retrieval=find
        )
        files |= _feature(feature_of(tenant, "echo"), secrets, ladder="echoes", retrieval=find)
        mapping = feature_of(tenant, "map")
        text = _MAPPING.format(name=mapping, knowledge=knowledge_of(tenant))
        files[f"features/{mapping}/feature.yaml"] = text
        sources = [
            {"folder": f"{knowledge_of(tenant)}/{name}", "readers": list(readers)}
            for name, readers in READERS.items()
        ]
        declared = {"tenant": tenant, "sources": sources}
        files[f"knowledge/{knowledge_of(tenant)}.yaml"] = yaml.safe_dump(declared, allow_unicode=True)
        files |= _documents(tenant, secrets)
    for name, text in files.items():
        write_document(folder / name, text)


def _feature(
    name: str, secrets: Secrets, *, ladder: str, cache: str = "", retrieval: str = ""
) -> dict[str, str]:
    fallback = "passages" if retrieval else "text"
    text = _FEATURE.format(
        description=name, retrieval=retrieval, ladder=ladder, cache=cache, fallback=fallback
    )
    prompt = "# user\n\n{{ passages }}\n\n{{ question }}\n" if retrieval else "# user\n\n{{ question }}\n"
    return {f"features/{name}/feature.yaml": text, f"features/{name}/answer.md": prompt}


def _documents(tenant: str, secrets: Secrets) -> dict[str, str]:
    """Return a few documents for each folder; more of every second tenant, whose vectors stay in memory."""
    count = 2 if TENANTS.index(tenant) % 2 else 1
    written = {}
    for name, readers in READERS.items():
        for number in range(count):
            word = secrets.plant(Rule(tenant=tenant, readers=frozenset(readers)))
            text = (
                f"# Codes {word}\n\nThe launch code of the walled garden {number} is {word}. "
                f"Roses are cut back in March, after the last hard frost, with sharp shears, says {word}.\n"
            )
            written[f"{knowledge_of(tenant)}/{name}/{word}.md"] = text
    return written


def _issued(world: World) -> list[Key]:
    """Return a key for each asker, which the world knows from now on."""
    now, keys = world.buttress.clock.now(), list[Key]()
    for asker in askers():
        text = new_text()
        only = ("plain", feature_of(asker.tenant, "quotes")) if asker.user and not asker.groups else None
        terms = Terms(name="k", tenants=(asker.tenant,), user=asker.user, groups=asker.groups, features=only)
        first = Secret(digest=digest_of(text, _SECRET), made_at=now)
        keys.append(made(key_id_of(text) or "", terms, first, expires_at=None))
        world.keys[asker] = Held(text, asker, only)
    return keys


async def _find_documents(world: World) -> None:
    query = "select knowledge, document_id, path from documents"
    async with (await world.database()).connection() as connection:
        rows = await (await connection.execute(query)).fetchall()
    for knowledge, document_id, path in rows:
        secret = Path(path).stem
        rule = world.secrets.rules[secret]
        found = Document(knowledge=knowledge, document_id=document_id, secret=secret, rule=rule)
        world.documents.append(found)
        world.of_tenant[rule.tenant].append(found)
