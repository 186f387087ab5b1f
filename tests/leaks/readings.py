"""Every way to read something, each asked in somebody's name for what is somebody else's.

A reading returns all that came back. What is refused counts as an answer, too: its words are looked through.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import msgspec

from buttress.app.measuring import Measured, declared_base, evaluate_knowledge
from buttress.caching.store import AnswerStore
from buttress.caching.types import Key, Meaning
from buttress.improve.tuning import ToTune, tune
from buttress.kernel.cached import KeepPolicy
from buttress.kernel.chance import Chance
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.measuring.types import LabelledQuery, Labels, Relevant
from buttress.knowledge.syncing.ledger import Ledger
from buttress.prompts.piece_store import PieceStore
from buttress.prompts.store import ConversationStore, Sought
from buttress.prompts.types import Whose
from buttress.tracing.store import TraceStore
from tests.leaks.http import Answered, request
from tests.leaks.secrets import Asker, Sight
from tests.leaks.world import READERS, TENANTS, Document, World, feature_of, knowledge_of, pick

QUESTIONS = (
    "Launch code of garden 0?",
    "Roses in March?",
    "tenant:* OR roses",
    "garden' UNION SELECT body --",
)


class Query(msgspec.Struct, frozen=True):
    """Who asks, and chance: for what."""

    world: World
    asker: Asker
    chance: Chance

    @property
    def document(self) -> Document:
        """A document: of the asker's own tenant, or of anybody's."""
        world = self.world
        among = world.of_tenant[self.asker.tenant] if self.chance.fraction() < 0.5 else world.documents
        return pick(among, self.chance)

    @property
    def tenant(self) -> str:
        """A tenant whose documents are asked about: the asker's own, or any."""
        return self.asker.tenant if self.chance.fraction() < 0.5 else pick(TENANTS, self.chance)

    def sorted_documents(self) -> tuple[list[Document], list[Document]]:
        """Return the documents of any knowledge base: those that the asker may see, and the others.

        There are always others: those in the folder of nobody.
        """
        knowledge = self.document.knowledge
        every = [one for one in self.world.documents if one.knowledge == knowledge]
        seen = [one for one in every if one.rule.allows(self.asker)]
        return seen, [one for one in every if one not in seen]

    def question(self) -> str:
        """Return a question: about nothing in particular, or with the very word of another's document.

        In capitals: the index takes that for the same word, and here it is not taken for a leak.
        """
        asked = pick(QUESTIONS, self.chance)
        return asked if self.chance.fraction() < 0.5 else f"{asked} {self.document.secret.upper()}?"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, and leaks that show without a secret; `sight` says for whom was read."""

    text: str
    sight: Sight = "own"
    leaks: tuple[str, ...] = ()


Reading = Callable[[Query], Awaitable[Said]]


def _told(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def search(query: Query) -> Said:
    """Search any knowledge base; and find out no word of what is not seen."""
    question = query.question()
    found = await query.world.buttress.search(
        query.document.knowledge,
        question,
        scope=query.asker.scope,
        limit=1 + int(query.chance.fraction() * 30),
    )
    rules = query.world.secrets.rules
    known = [one.text for one in found.asked if one.is_known and one.text in rules]
    unseen = tuple(f"{one} is known" for one in known if not rules[one].allows(query.asker))
    return Said(text=_told(found.passages), leaks=unseen)


async def evaluation(query: Query) -> Said:
    """Measure any knowledge base by labels of its documents: a figure above 0 tells that one is there."""
    seen, hidden = query.sorted_documents()
    labelled = {
        question: some
        for question, some in zip(("Launch code?", "Roses?"), (seen, hidden), strict=True)
        if some
    }
    with TemporaryDirectory() as folder:
        labels = _labels(Path(folder) / "labels.jsonl", labelled)
        measured = Measured(knowledge=hidden[0].knowledge, scope=query.asker.scope, labels=labels)
        found = await evaluate_knowledge(query.world.buttress, measured)
    shown = [labelled[one.query][0].secret for one in found.queries if any(one.metrics.values())]
    is_hidden = any(note.startswith(f"{len(hidden)} labelled document") for note in found.notes)
    # Notes say again which labels there were.
    told = _told([msgspec.structs.replace(found, notes=()), shown])
    return Said(
        text=told, leaks=() if is_hidden else (f"of {len(hidden)} labels one is there: {found.notes}",)
    )


async def tuning(query: Query) -> Said:
    """Tune any knowledge base: by labels of what is not seen, by its headings, by what a model is asked."""
    _, hidden = query.sorted_documents()
    way = pick(("labels", "headings", "model"), query.chance)
    queries = (LabelledQuery("Launch code?", tuple(Relevant(f"{one.secret}.md") for one in hidden)),)
    base = declared_base(query.world.buttress.project, hidden[0].knowledge)
    prompts: list[str] = []

    async def written(prompt: str) -> str:
        prompts.append(prompt)
        return "What is the launch code?"

    parts = msgspec.structs.replace(query.world.tuning, ask=written if way == "model" else None)
    labels = Labels(queries, "labels") if way == "labels" else None
    tuned = await tune(ToTune(base=base, scope=query.asker.scope, labels=labels, rerank="none"), parts)
    if labels:
        return Said(text=hidden[0].secret if tuned.choice.default.mean else _told(tuned.choice))
    return Said(text=_told([tuned, prompts]))


async def excerpt(query: Query) -> Said:
    """Read a piece of any document, from the ledger."""
    document, start = query.document, int(query.chance.fraction() * 40)
    other = pick(TENANTS, query.chance)
    every = [f"{knowledge_of(other)}/{name}" for name in READERS]
    ledger = Ledger(await query.world.database(), knowledge_of(other))
    identity = DocumentId(document.document_id)
    wrong = await ledger.excerpt(identity, query.asker.scope, (start, start + 200), every)
    found = await query.world.buttress.excerpt(
        document.knowledge, identity, query.asker.scope, (start, start + 200)
    )
    return Said(text=_told([wrong, found]))


async def named(query: Query) -> Said:
    """Read any document whole, by its id or its path, in any knowledge base."""
    document = query.document
    names = (document.document_id, f"{document.secret}.md", "%", "*")
    ledger = Ledger(await query.world.database(), pick((document.knowledge, "base-0"), query.chance))
    return Said(text=_told(await ledger.named(pick(names, query.chance), query.asker.scope)))


async def read_through(query: Query) -> Said:
    """Have any document read in pieces; the model would repeat what it is shown."""
    document, asker = query.document, query.asker
    answer = await query.world.buttress.ask(
        feature_of(document.rule.tenant, "map"),
        {"question": "What is the code?", "document": document.document_id},
        user=asker.user,
        tenant=asker.tenant,
        groups=asker.groups,
    )
    query.world.secrets.learn(answer.trace_id, asker.tenant)
    return Said(text=_told(answer))


async def pieces(query: Query) -> Said:
    """Look for what was said of pieces of anybody's documents, by all digests there are."""
    found = await PieceStore(await query.world.database()).kept(query.asker.tenant, query.world.pieces)
    return Said(text=_told(found), sight="tenant")


async def ask(query: Query) -> Said:
    """Ask any feature; with a cache and without, quoted or with all that a model is shown."""
    question, asker = query.question(), query.asker
    feature = feature_of(query.tenant, pick(("quotes", "quotes", "echo"), query.chance))
    answer = await query.world.buttress.ask(
        feature, {"question": question}, user=asker.user, tenant=asker.tenant, groups=asker.groups
    )
    query.world.secrets.learn(answer.trace_id, asker.tenant)
    return Said(text=_told(answer))


async def converse(query: Query) -> Said:
    """Ask in somebody's conversation: the model would repeat what was said there."""
    whose, conversation = pick(query.world.conversations, query.chance)
    asker, question = query.asker, query.question()
    answer = await query.world.buttress.ask(
        feature_of(whose.tenant, "echo"),
        {"question": question},
        user=asker.user,
        tenant=asker.tenant,
        groups=asker.groups,
        conversation=conversation,
    )
    query.world.secrets.learn(answer.trace_id, asker.tenant)
    return Said(text=_told(answer), sight="user")


async def turns(query: Query) -> Said:
    """Read somebody's conversation from the store."""
    _, conversation = pick(query.world.conversations, query.chance)
    store = ConversationStore(await query.world.database())
    whose = Whose(query.asker.tenant, query.asker.user or "", conversation)
    sought = Sought("Roses? Launch?", 5)
    found = await store.latest(whose, sought, messages=4, characters=100_000)
    return Said(text=_told(found), sight="user")


async def traces(query: Query) -> Said:
    """Look up somebody's call by its id, or by the end of it; and list the latest."""
    _, trace_id = pick(query.world.traces, query.chance)
    store = TraceStore(await query.world.database())
    if query.chance.fraction() < 0.1:
        listed = await store.latest(query.asker.tenant, feature=pick((None, "plain"), query.chance), limit=20)
        return Said(text=_told(listed), sight="tenant")
    asked = pick((trace_id, trace_id[-8:], trace_id[:12], "%", "tr_%"), query.chance)
    try:
        found = await store.get(query.asker.tenant, asked)
    except ButtressError as error:
        return Said(text=_error(error).replace(asked, ""), sight="tenant")
    return Said(text=_told(found), sight="tenant")


async def kept(query: Query) -> Said:
    """Look for somebody's kept answer: under its key in memory and in the database, and by its meaning."""
    world, asker = query.world, query.asker
    one = pick(world.kept, query.chance)
    key = Key(asker.tenant, one.feature, one.digest)
    store, now = AnswerStore(await world.database()), world.buttress.clock.now()
    found: list[object] = [await store.get(key, now)]
    if one.meaning:
        meaning = Meaning(partition=one.partition, question="", vector=one.meaning)
        found += await store.similar(asker.tenant, meaning, threshold=-1.0, now=now)
    found.append(await world.answers.get(key, KeepPolicy()))
    return Said(text=repr(found), sight="tenant")


async def held(query: Query) -> Said:
    """Count the kept answers of one's own tenant."""
    listed = await AnswerStore(await query.world.database()).held(query.asker.tenant, None)
    others = tuple(one.tenant for one in listed if one.tenant != query.asker.tenant)
    return Said(text=_told(listed), leaks=others)


async def door_features(query: Query) -> Said:
    """Ask a feature over HTTP, whole and streamed, in one's own name or in somebody else's."""
    named = pick(query.world.askers, query.chance)
    question = query.question()
    body: dict[str, object] = {"input": {"question": question}, "stream": query.chance.fraction() < 0.4}
    body["watch"] = query.chance.fraction() < 0.3
    # A program's key is believed about users and groups: it asks in its own name.
    if query.asker.user:
        body |= {"user": named.user or "eve", "groups": list(named.groups)}
    if query.chance.fraction() < 0.3:
        body["tenant"] = named.tenant
    if query.chance.fraction() < 0.3:
        body["conversation"] = pick(query.world.conversations, query.chance)[1]
    feature = feature_of(query.tenant, pick(("quotes", "echo"), query.chance))
    answered = await _post(query, f"/v1/features/{feature}", body)
    sight: Sight = "user" if "conversation" in body else "own"
    return Said(text=answered.said, leaks=_broken(answered), sight=sight)


async def door_clients(query: Query) -> Said:
    """Ask a feature in each dialect of clients, whole and streamed, as any user."""
    question, named = query.question(), pick(query.world.askers, query.chance)
    door = pick(("chat/completions", "messages", "responses"), query.chance)
    feature = feature_of(query.tenant, pick(("quotes", "echo"), query.chance))
    said = [{"role": "user", "content": question}]
    body: dict[str, object] = {"model": feature, "stream": query.chance.fraction() < 0.4}
    body |= {"input": question} if door == "responses" else {"messages": said}
    if query.asker.user:
        who = named.user or "eve"
        body |= {"metadata": {"user_id": who}, "max_tokens": 50} if door == "messages" else {"user": who}
    if query.chance.fraction() < 0.3:
        body["conversation"] = pick(query.world.conversations, query.chance)[1]
    answered = await _post(query, f"/v1/{door}", body)
    sight: Sight = "user" if "conversation" in body else "own"
    return Said(text=answered.said, leaks=_broken(answered), sight=sight)


async def door_model(query: Query) -> Said:
    """Ask a model whose answers are kept what somebody of another tenant asked before."""
    question = pick(QUESTIONS, query.chance)
    door = pick(("chat/completions", "messages"), query.chance)
    said = [{"role": "user", "content": question}]
    body = {"model": pick(("echo", "echoes"), query.chance), "messages": said, "max_tokens": 50}
    answered = await _post(query, f"/v1/{door}", body)
    return Said(text=answered.said, leaks=_broken(answered))


async def door_document(query: Query) -> Said:
    """Open a citation of any document, as data and as the page that people see."""
    document, start = query.document, int(query.chance.fraction() * 60)
    place = {"knowledge": document.knowledge, "start": start, "end": start + 50}
    family = pick(query.world.document_paths, query.chance)
    answered = await request(
        query.world,
        query.world.keys[query.asker],
        "GET",
        f"{family}{document.document_id}?{urlencode(place)}",
    )
    return Said(text=answered.said, leaks=_broken(answered))


async def door_once(query: Query) -> Said:
    """Send what somebody else sent, with their Idempotency-Key."""
    one = pick(query.world.onces, query.chance)
    asker = query.world.keys[query.asker]
    answered = await request(
        query.world, asker, "POST", "/v1/features/plain", one.body, {"idempotency-key": one.idempotency_key}
    )
    is_theirs = answered.trace_id == one.trace_id and asker.text != one.by.text
    leaks = (f"the answer to {one.idempotency_key}",) if is_theirs else _broken(answered)
    return Said(text=answered.said, leaks=leaks)


async def door_figures(query: Query) -> Said:
    """Read what was spent, and what is left, by everything it can be divided by."""
    by = pick(("tenant,user", "tenant,feature", "tenant,key", "tenant,model,day"), query.chance)
    named = pick(TENANTS, query.chance)
    spend = {"by": by} | ({"tenant": named} if query.chance.fraction() < 0.5 else {})
    path = pick((f"/api/spend?{urlencode(spend)}", "/api/budgets?most=100"), query.chance)
    answered = await request(query.world, query.world.keys[query.asker], "GET", path)
    return Said(text=answered.said, leaks=tuple(_others(answered, query.asker)))


def _others(answered: Answered, asker: Asker) -> list[str]:
    """Return the tenants and users of figures that are none of the asker's."""
    found: dict[str, set[str]] = {"tenant": set(), "user": set()}
    _collect(msgspec.json.decode(answered.body), found)
    own = {"tenant": {asker.tenant}, "user": {asker.user or ""} if asker.user else found["user"]}
    return [f"figures of the {kind} {name}" for kind in found for name in found[kind] - own[kind]]


def _collect(value: object, found: dict[str, set[str]]) -> None:
    if isinstance(value, dict):
        for name, one in value.items():
            if name in found and isinstance(one, str):
                found[name].add(one)
            _collect(one, found)
    elif isinstance(value, list):
        for one in value:
            _collect(one, found)


async def door_names(query: Query) -> Said:
    """Read what may be asked: in lists, in the description of the API, on the page."""
    held_key = query.world.keys[query.asker]
    every = [feature_of(tenant, kind) for tenant in TENANTS for kind in ("quotes", "echo")]
    one = f"/v1/models/{pick(every, query.chance)}"
    path = pick(("/v1/models", "/api/openapi.json", "/", one), query.chance)
    answered = await request(query.world, held_key, "GET", path)
    shown = [name for name in every if name in answered.body and not path.endswith(name)]
    hidden = () if held_key.features is None else tuple(set(shown) - set(held_key.features))
    return Said(text=answered.said, leaks=hidden)


async def door_barred(query: Query) -> Said:
    """Ask for what is about everybody: no key of a tenant gets it."""
    paths = ("/metrics", "/api/alerts", "/api/keys", "/api/keys/0123456789ab")
    path = pick(paths, query.chance)
    answered = await request(query.world, query.world.keys[query.asker], "GET", path)
    return Said(text=answered.said, leaks=() if answered.status == 403 else (f"{path}: {answered.status}",))


async def _post(query: Query, path: str, body: dict[str, object]) -> Answered:
    answered = await request(query.world, query.world.keys[query.asker], "POST", path, body)
    if answered.trace_id:
        query.world.secrets.learn(answered.trace_id, query.asker.tenant)
    return answered


def _labels(path: Path, labelled: Mapping[str, Sequence[Document]]) -> Path:
    """Write which documents answer which question."""
    lines = [
        LabelledQuery(question, tuple(Relevant(f"{one.secret}.md") for one in some))
        for question, some in labelled.items()
    ]
    path.write_bytes(msgspec.json.Encoder().encode_lines(lines))
    return path


def _error(error: ButtressError) -> str:
    return f"{error.code} {error.message} {error.hint} {error.data}"


def _broken(answered: Answered) -> tuple[str, ...]:
    """Return what shows that a request met a mistake of ours; one that was too many is none."""
    return (f"{answered.status}: {answered.body[:300]}",) if answered.status == 500 else ()


READINGS: Mapping[Reading, int] = {
    search: 12,
    evaluation: 2,
    tuning: 3,
    excerpt: 200,
    named: 100,
    read_through: 3,
    pieces: 29,
    ask: 3,
    converse: 2,
    turns: 130,
    traces: 100,
    kept: 120,
    held: 8,
    door_features: 5,
    door_clients: 2,
    door_model: 34,
    door_document: 220,
    door_once: 12,
    door_figures: 20,
    door_names: 3,
    door_barred: 4,
}
"""How often each is done, of a thousand times: most often what takes a millisecond, not thirty."""


async def read(reading: Reading, query: Query) -> Said:
    """Read, and take a refusal for what was said."""
    try:
        return await reading(query)
    except ButtressError as error:
        return Said(text=_error(error))


def leaks_of(said: Said, query: Query) -> set[str]:
    """Return what was said that `query.asker` may not see."""
    found = query.world.secrets.leaked(said.text, query.asker, said.sight)
    return found | set(said.leaks)
