"""A project's knowledge, tuned: what the tuning needs, opened; what it chose, into the declaration."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, aclosing, closing

import msgspec

from buttress.app.buttress import Buttress
from buttress.app.layout import index_folder, knowledge_folder
from buttress.app.measuring import SEED, Measured, declared_base, labels_file
from buttress.gateway.relay import Wanted
from buttress.improve.tuning import Ask, Told, ToTune, Tuning, TuningParts, tune
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import TextDelta
from buttress.knowledge.embedding.generations import open_searched
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.measuring.labels import read_labels
from buttress.knowledge.measuring.reading import OfTheBest, ReadingReranker
from buttress.knowledge.measuring.writing import Edit, edited
from buttress.knowledge.ports import Embedder, Reranker, StageReranker
from buttress.knowledge.reranking.opening import open_reranker
from buttress.knowledge.stages.rerank import ModelReranker
from buttress.knowledge.types import Rerank
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.types import Frame
from buttress.settings.loading import Loaded
from buttress.settings.secrets import resolve_secret

LONGEST_ANSWER_TOKENS = 200
"""Of a model that writes a question."""


class Tunable(msgspec.Struct, frozen=True, kw_only=True):
    """What is tuned. Without labels `model` writes queries, and without a model headings are asked."""

    measured: Measured
    rerank: Rerank = "late"
    model: str | None = None


async def tune_knowledge(loaded: Loaded, asked: Tunable, told: Told = lambda *_: None) -> Tuning:
    """Choose how a knowledge base of the project is to be searched; nothing is written.

    Raises:
        UnknownKnowledge, NotIngested, EmbedderChanged: the knowledge base.
        LabelsInvalid, NothingToAsk: what it is to be asked.
        ButtressError: what the model, or a search, failed with.
    """
    measured = asked.measured
    base = declared_base(loaded.project, measured.knowledge)
    path = measured.labels or labels_file(loaded.project, base.name)
    labels = read_labels(path) if path.exists() else None
    to_tune = ToTune(base=base, scope=measured.scope, labels=labels, rerank=asked.rerank)
    folder, model = index_folder(loaded.project), loaded.tree.knowledge.embedder
    with ExitStack() as stack:
        embedder = stack.enter_context(
            closing(await asyncio.to_thread(open_searched, base.name, folder, model))
        )
        parts = TuningParts(
            index=await open_index(folder),
            embedder=embedder,
            rerankers=await _rerankers(asked.rerank, loaded, embedder, stack),
            clock=SystemClock(),
            chance=SeededChance(SEED),
        )
        if labels or asked.model is None:
            return await tune(to_tune, parts, told)
        async with Buttress.opened(loaded) as buttress:
            asking = msgspec.structs.replace(parts, ask=asker(buttress, asked.model))
            return await tune(to_tune, asking, told)


def edit_for(loaded: Loaded, tuning: Tuning) -> Edit:
    """Return what the choice changes in the declaration; see `writing.edited` for what it raises."""
    path = knowledge_folder(loaded.project) / f"{tuning.knowledge}.yaml"
    return edited(path, tuning.choice.search)


def asker(buttress: Buttress, model: str) -> Ask:
    """Return a function that asks `model`, a model or a ladder of models.yaml, the way every call goes."""

    async def ask(prompt: str) -> str:
        asked = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": LONGEST_ANSWER_TOKENS,
            "stream": True,
        }
        said: list[str] = []
        relay = buttress.relay(Wanted(body=read_body(msgspec.json.encode(asked)), caching="skip"))
        async with aclosing(relay.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, Frame):
                    said.append(piece.seen.text)
                elif isinstance(piece, TextDelta):
                    said.append(piece.text)
        return "".join(said)

    return ask


async def _rerankers(
    kind: Rerank, loaded: Loaded, embedder: Embedder, stack: ExitStack
) -> Mapping[Rerank, StageReranker]:
    """Return the re-ranker that is to be tried; it is closed with `stack`."""
    if kind != "model":
        return {"late": OfTheBest(ReadingReranker(embedder))}
    settings = loaded.tree.knowledge.reranker
    key = resolve_secret(settings.key, project=loaded.project)
    reranker = stack.enter_context(closing(await asyncio.to_thread(open_reranker, settings, embedder, key)))

    async def opened() -> Reranker:
        return reranker

    return {"model": OfTheBest(ModelReranker(opened))}
