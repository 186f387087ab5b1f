"""The library's front: open a project, ask, search, ingest, look at traces."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from functools import cache, partial
from pathlib import Path
from typing import Self, Unpack

from buttress.access.idempotency_claims import Claims
from buttress.app.beginning import Beginning, engine_for, model_for
from buttress.app.declared import Declared
from buttress.app.filling import EngineRanker, OpenEgress
from buttress.app.kept import rules_folder
from buttress.app.layout import journal_folder, knowledge_folder, make_kept_folder
from buttress.app.library import ProjectLibrary, forget_old
from buttress.app.parts import Part
from buttress.app.paying import Paying, PayingParts
from buttress.app.project import compiled_releases, declared_budgets, declared_models, knowledge_bases
from buttress.app.recalling import ProjectAnswers, surroundings_of
from buttress.app.recording import Recording
from buttress.app.reranking import EngineReranker, with_own_reranker
from buttress.app.sharing import breakers, budgets, share
from buttress.app.storage import project_database
from buttress.app.syncing import OnPlan, SyncParts, check_names, nobody, plans, sync
from buttress.gateway.answer import answer, collect
from buttress.gateway.ports import Ports
from buttress.gateway.relay import Relay, Wanted
from buttress.gateway.types import Answer, Asked, Event, Particulars, asked_with
from buttress.kernel.catalogue import Catalogue
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import Clock, SystemClock
from buttress.kernel.ids import DocumentId, ReleaseId, new_id
from buttress.kernel.scope import Scope
from buttress.knowledge.declared_now import DeclaredNow
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.index.visibility import open_sources
from buttress.knowledge.ports import Engine
from buttress.knowledge.search_types import Found, Query
from buttress.knowledge.syncing.ingest import Watchers
from buttress.knowledge.syncing.ledger import Ledger as DocumentLedger
from buttress.knowledge.syncing.types import IngestReport, Progress, StoredExcerpt, SyncPlan
from buttress.models.counting import Counters
from buttress.models.deployments import Deployments
from buttress.models.providers.building import ProviderParts, build_provider
from buttress.models.providers.http import HttpParts
from buttress.models.providers.local import Gate, LocalParts
from buttress.models.providers.scripted import Drill, drilled, drilled_meter
from buttress.outbound.sessions import Sessions
from buttress.prompts.memory import ChatMemory
from buttress.releases.pool import FunctionPool
from buttress.releases.rulebook import Rulebook
from buttress.releases.store import ReleaseStore
from buttress.releases.types import Release
from buttress.settings.errors import ProjectMissing
from buttress.settings.loading import Loaded, load_settings
from buttress.settings.secrets import resolve_secret
from buttress.settings.tree import Settings
from buttress.spend.budgets import Budget
from buttress.spend.settling import forget, settle
from buttress.spend.store import Ledger
from buttress.tracing.metrics import UPSTREAMS, Present
from buttress.tracing.store import TraceStore
from buttress.tracing.types import Trace


class Buttress:
    """A project, open for questions. Use it in one event loop, by as many tasks as you like.

    Asking and searching need no database; conversations, ingest and traces open it when they are first used.
    An engine that `buttress serve` runs for the project is used; without one the model is loaded into this
    process.
    """

    def __init__(
        self,
        loaded: Loaded,
        parts: AsyncExitStack,
        declared: Declared | None,
        begun: Beginning,
    ) -> None:
        self._loaded = loaded
        self._engine = begun.engine
        self._embedder = begun.embedder
        self._clock = SystemClock()
        self._chance = SeededChance()
        self._knowledge = declared.knowledge if declared else knowledge_bases(loaded.project)
        self._releases = declared.releases if declared else None
        self._catalogue = declared.catalogue if declared else None
        self._budgets = declared.budgets if declared else None
        self._plain_ports: Ports | None = None
        self._local = LocalParts(server=begun.local, gate=Gate(loaded.tree.models.local))
        self._rulebooks: dict[ReleaseId, Rulebook] = {}
        self._functions = FunctionPool(loaded.tree.releases)
        self._sessions = Sessions(loaded.tree.outbound)
        self._deployments = Deployments(loaded.tree.models, self._clock)
        self._database = Part(parts, lambda: project_database(loaded, self._clock))
        self.database = self._database.get
        """Returns the project's database, opened when first asked for."""
        self._declared_now = DeclaredNow(knowledge_folder(loaded.project))
        self._counters = Counters(loaded.project)
        self._memory = ChatMemory(self._database.get, loaded.tree.prompts.memory)
        self._library = ProjectLibrary(
            self._database.get, loaded.tree.prompts.map, self._clock, self._open_sources
        )
        self._answers = ProjectAnswers(self._database.get, loaded.tree.caching, self._clock)
        self._claims = Claims(
            self._database.get,
            loaded.tree.access.idempotency,
            lambda: new_id("ic", self._clock, self._chance),
        )
        writer = f"{new_id('sp', self._clock, self._chance)}-{os.getpid()}"
        self._recording = Recording(loaded.project, writer, loaded.tree.tracing, self._clock)
        self._paying = Paying(
            PayingParts(
                writer=writer,
                folder=journal_folder(loaded.project),
                database=self._database.get,
                clock=self._clock,
                settings=loaded.tree.spend,
                is_served=begun.is_served,
            )
        )

    @classmethod
    def open(
        cls, folder: str | Path = ".", *, flags: Sequence[str] = ()
    ) -> AbstractAsyncContextManager[Self]:
        """Open the project in `folder`; each of `flags` is a `section.key=value`.

        Raises:
            ProjectMissing: there is no such folder.
            SettingsInvalid, DeclarationInvalid: with every mistake in these files of the project.
        """
        project = Path(folder).resolve()
        if not project.is_dir():
            raise ProjectMissing(f"there is no folder {project}")
        return cls.opened(load_settings(project, flags=flags))

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, loaded: Loaded, *, engine: Engine | None = None, declared: Declared | None = None
    ) -> AsyncIterator[Self]:
        """Open the project whose settings are `loaded`; raises as `open`.

        With `engine` that one is asked, also while it is away; no model is loaded here for a search, and no
        local model is started. With `declared` its files are not read.
        """
        make_kept_folder(loaded.project)
        async with AsyncExitStack() as stack:
            embedder = stack.enter_context(closing(SharedEmbedder(loaded.tree.knowledge.embedder)))
            is_served = engine is not None
            local = await stack.enter_async_context(model_for(loaded, served=is_served))
            if engine is None:
                engine = await stack.enter_async_context(engine_for(loaded, declared, embedder))
            # Parts are opened later than what uses them at the end, and must still be closed after it.
            parts = await stack.enter_async_context(AsyncExitStack())
            buttress = cls(loaded, parts, declared, Beginning(engine, embedder, local, is_served))
            stack.callback(buttress._sessions.close)
            stack.push_async_callback(buttress._functions.aclose)
            stack.push_async_callback(buttress._last_words)
            await stack.enter_async_context(buttress._paying)
            await stack.enter_async_context(buttress._memory)
            await stack.enter_async_context(buttress._answers)
            await stack.enter_async_context(buttress._claims)
            yield buttress

    @property
    def settings(self) -> Settings:
        """The settings it was opened with."""
        return self._loaded.tree

    @property
    def project(self) -> Path:
        """The folder of the project."""
        return self._loaded.project

    @property
    def clock(self) -> Clock:
        """The clock that everything here is timed by."""
        return self._clock

    @property
    def engine(self) -> Engine:
        """Who searches and embeds for the project."""
        return self._engine

    @property
    def deployments(self) -> Deployments:
        """What this process knows of the models that it calls."""
        return self._deployments

    @property
    def paying(self) -> Paying:
        """What its models are paid from."""
        return self._paying

    @property
    def present(self) -> Present:
        """How this process stands now, as metrics."""
        return {UPSTREAMS: {(): self._sessions.open_connections}, **self._paying.present}

    def listen(self, hear: Callable[[Trace], None]) -> None:
        """Have `hear` called with each trace as it is recorded, and with those that `ship` finds lost.

        It must not fail, and not wait.
        """
        self._recording.listen(hear)

    async def share(self) -> None:
        """Tell the project's other processes what this one finds out, and hear it from them; for ever.

        That is which models are left alone, and of which budgets others may hold money that is needed here.
        """
        me = new_id("bu", self._clock, self._chance)
        async with breakers(self._deployments, lambda: self.catalogue.models) as line:
            await share((line, budgets(self._paying)), self._database.get, me)

    @property
    def releases(self) -> Mapping[str, Release]:
        """The release of each feature of the project, by its name; compiled when first asked for.

        Raises:
            FeatureInvalid: with every mistake in the features and in models.yaml.
        """
        if self._releases is None:
            self._releases = compiled_releases(self._loaded.project, self._knowledge)
        return self._releases

    def begin_local_model(self) -> None:
        """Load the local model already now, where the project has one and nobody else runs it.

        Returns at once. Else the first question that needs it loads it, and waits.
        """
        self._local.server.begin()

    def adopt(self, declared: Declared) -> None:
        """Answer the calls that begin from now on with `declared`; those under way end as they began."""
        self._knowledge, self._releases = declared.knowledge, declared.releases
        self._catalogue, self._plain_ports = declared.catalogue, None
        self._deployments.keep(declared.catalogue.models.values())
        self._budgets = declared.budgets
        current = {release.release_id for release in declared.releases.values()}
        self._rulebooks = {one: book for one, book in self._rulebooks.items() if one in current}

    @property
    def catalogue(self) -> Catalogue:
        """The models and ladders of the project; read when first asked for.

        Raises:
            FeatureInvalid: with every mistake in models.yaml.
        """
        if self._catalogue is None:
            self._catalogue = declared_models(self._loaded.project)
        return self._catalogue

    @property
    def budgets(self) -> Sequence[Budget]:
        """The budgets of the project; read when first asked for.

        Raises:
            BudgetsInvalid: with every mistake in budgets.yaml.
        """
        if self._budgets is None:
            self._budgets = declared_budgets(self._loaded.project)
        return self._budgets

    @property
    def names(self) -> Sequence[str]:
        """What can be asked: features, models and ladders, our own included."""
        catalogue = self._ports().catalogue
        return [*self.releases, *catalogue.models, *catalogue.ladders]

    @property
    def knowledge(self) -> Sequence[str]:
        """The names of the project's knowledge bases."""
        return sorted(self._knowledge)

    def stream(
        self,
        feature: str,
        input: dict[str, object],  # noqa: A002 - the word of feature.yaml, and what callers write
        **particulars: Unpack[Particulars],
    ) -> AsyncGenerator[Event, None]:
        """Ask `feature`; yield its answer as it is released, `Began` first and `Ended` last.

        Beside the question may be told: `user`, `tenant`, `groups`; `history`, the turns before it, oldest
        first; `conversation`, an id under which the turns of this user are kept here. With an id, the
        process's first question opens the database; a client's own history counts before what is kept.
        `caching`: `refresh` for a new answer, `skip` for one that has nothing to do with the cache.

        Close the generator (`contextlib.aclosing`) when leaving early: the work for it is then cancelled.

        Raises:
            FeatureInvalid: the project's features have mistakes.
            FeatureUnknown, InputInvalid: the question was refused.
        """
        return answer(asked_with(feature, input, particulars), self._ports())

    def watch(self, asked: Asked, *, drill: Drill | None = None) -> AsyncGenerator[Event, None]:
        """Answer `asked`, with `drill` done to the models of this call; yields and raises as `stream`."""
        return answer(asked, self._ports(drill))

    def relay(self, wanted: Wanted) -> Relay:
        """Return the call that asks a model or a ladder of models.yaml as `wanted` says."""
        return Relay(wanted, self._ports())

    async def ask(
        self,
        feature: str,
        input: dict[str, object],  # noqa: A002 - as for `stream`
        **particulars: Unpack[Particulars],
    ) -> Answer:
        """Ask `feature` and return its whole answer; takes and raises what `stream` does."""
        ended = await collect(self.stream(feature, input, **particulars))
        return ended.answer

    async def excerpt(
        self, knowledge: str, document: DocumentId, scope: Scope, place: tuple[int, int]
    ) -> StoredExcerpt | None:
        """Return the characters of a document at `place`, start and end; None when `scope` may see none such.

        Raises:
            StorageUnavailable, and what else `storage.database.open_database` names.
        """
        ledger = DocumentLedger(await self._database.get(), knowledge)
        return await ledger.excerpt(document, scope, place, self._open_sources(knowledge, scope))

    async def search(self, knowledge: str, text: str, *, scope: Scope, limit: int | None = None) -> Found:
        """Return the passages of a knowledge base that fit `text` best, of those that `scope` may see.

        Raises:
            UnknownKnowledge, NotIngested, QueryInvalid, and what else `knowledge.ports.Engine` names.
        """
        return await self._engine.search(Query(knowledge=knowledge, text=text, scope=scope, limit=limit))

    async def ingest(
        self,
        *names: str,
        allow_empty: bool = False,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_plan: OnPlan = nobody,
        on_report: Callable[[IngestReport], None] = nobody,
    ) -> list[IngestReport]:
        """Sync the knowledge bases `names`, all of them without a name; one report each.

        Without a name those that are not declared any more are forgotten first, with a report each, too. With
        `allow_empty` a source that holds nothing any more loses its documents; else it is an error, raised
        when the others are done. `on_plan`, `on_progress` and `on_report` are told of each.

        Raises:
            UnknownKnowledge: there is none of that name; nothing was done.
            ButtressError: see `knowledge.ingest.ingest`.
        """
        check_names(self._knowledge, names)  # before a database is started for nothing
        watchers = Watchers(on_progress, on_plan, on_report)
        return await sync(self._knowledge, names, await self._sync_parts(), watchers, allow_empty=allow_empty)

    async def plan(self, *names: str, allow_empty: bool = False, on_plan: OnPlan = nobody) -> list[SyncPlan]:
        """Return what `ingest` would do now, each told to `on_plan`; nothing is changed. Raises as that."""
        check_names(self._knowledge, names)
        return await plans(self._knowledge, names, await self._sync_parts(), on_plan, allow_empty=allow_empty)

    async def traces(self) -> TraceStore:
        """Return the store of traces, with everything in it that happened so far.

        Raises:
            StorageUnavailable, and what else `storage.database.open_database` names.
        """
        await self.ship()
        return TraceStore(await self._database.get())

    async def ship(self) -> int:
        """Move traces and settlements that wait into the database; return how many traces there were.

        Raises:
            StorageUnavailable: the database is away; they stay where they are.
        """
        self.seal()
        database = await self._database.get()
        await settle(journal_folder(self._loaded.project), Ledger(database))
        return await self._recording.ship(database)

    async def catch_up(self) -> int:
        """Store the traces again that a restored database has forgotten; return how many there were."""
        return await self._recording.catch_up(await self._database.get())

    def forget_shipped(self) -> int:
        """Remove traces and settlements that were kept for long enough; return how many files there were."""
        days, folder = self.settings.spend.keep_days, journal_folder(self._loaded.project)
        return self._recording.forget() + forget(folder, days, self._clock)

    async def keep_releases(self) -> None:
        """Keep the project's releases in the database, so that a trace's release can be looked up later."""
        store = ReleaseStore(await self._database.get(), self._clock)
        for release in self.releases.values():
            await store.keep(release)

    async def forget_conversations(self) -> int:
        """Delete the conversations older than `prompts.memory.keep_days`; return how many there were.

        Raises:
            StorageUnavailable: the database is away.
        """
        return await forget_old(self._database.get, self.settings.prompts.memory, self._clock)

    @property
    def claims(self) -> Claims:
        """The Idempotency-Keys that this process answers; the database is opened for the first one."""
        return self._claims

    @property
    def trouble(self) -> str:
        """Why traces or settlements are not where they should be; empty when they are."""
        return ", ".join(one for one in (self._recording.trouble, self._paying.trouble) if one)

    def seal(self) -> None:
        """Hand traces and settlements so far to whoever ships them."""
        self._recording.seal()
        self._paying.seal()

    def _open_sources(self, knowledge: str, scope: Scope) -> list[str]:
        """Return the sources of `knowledge` whose readers `scope` is among, as it is declared now."""
        base = self._knowledge.get(knowledge)
        declared = self._declared_now(base) if base else None
        return open_sources(scope, declared) if declared else []

    def _ports(self, drill: Drill | None = None) -> Ports:
        """Return what a call needs; without a drill always the same, until the project's files change."""
        if drill:
            return self._new_ports(drill)
        if self._plain_ports is None:
            self._plain_ports = self._new_ports(None)
        return self._plain_ports

    def _new_ports(self, drill: Drill | None) -> Ports:
        tree = self._loaded.tree
        # What a drill does to models says nothing about them.
        deployments = Deployments(tree.models, self._clock) if drill else self._deployments
        parts = ProviderParts(
            http=HttpParts(
                sessions=self._sessions,
                settings=tree.models,
                resolve_secret=partial(resolve_secret, project=self._loaded.project),
                clock=self._clock,
                rest=deployments.rest,
            ),
            ranker=EngineRanker(self._engine),
            reranker=EngineReranker(self._engine),
            local=self._local,
        )
        providers = cache(lambda model: build_provider(model, parts))
        return Ports(
            releases=self.releases,
            catalogue=with_own_reranker(self.catalogue, tree.knowledge),
            rulebook=self._rulebook,
            engine=self._engine,
            provider=lambda model: drilled(providers(model), drill),
            counter=self._counters.of,
            counter_at_hand=self._counters.at_hand,
            egress=OpenEgress(),
            meter=drilled_meter(self._paying.metering(self.budgets), drill),
            deployments=deployments,
            memory=self._memory,
            summary_tokens=tree.prompts.memory.summary_tokens,
            summary_model=tree.prompts.memory.summary_model,
            library=self._library,
            answers=None if drill else self._answers.amid(surroundings_of(tree, self._knowledge)),
            begin=self._recording.begin,
            record=self._recording.record,
            clock=self._clock,
            chance=self._chance,
            models=tree.models,
            guardrails=tree.guardrails,
        )

    async def _sync_parts(self) -> SyncParts:
        return SyncParts(
            loaded=self._loaded,
            database=await self._database.get(),
            embedder=self._embedder,
            clock=self._clock,
        )

    def _rulebook(self, release: Release) -> Rulebook:
        """Return the rules of `release`: always the same ones, which know what did not load."""
        if release.release_id not in self._rulebooks:
            folder = rules_folder(self._loaded.project, release)
            self._rulebooks[release.release_id] = Rulebook(folder, self._functions)
        return self._rulebooks[release.release_id]

    async def _last_words(self) -> None:
        self._recording.close()
        self._paying.close()
        if self._database.is_open:
            await self.ship()
            if self._releases is not None:
                await self.keep_releases()
