"""How many tokens a text has for the models that are to read it: exactly, where their tokenizer is there."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from buttress.kernel.catalogue import Model
from buttress.kernel.errors import ButtressError
from buttress.kernel.tokens import EstimatedTokens, TokenCounter, WorstTokens
from buttress.models.gguf_tokens import load_gguf_counter
from buttress.models.local_file import local_file
from buttress.models.openai_tokens import encoding_of, load_openai_counter

_ESTIMATE = EstimatedTokens()
MOST_LOADED = 8
"""Tokenizers of local models that are kept, in a process whose models.yaml is edited; each has megabytes."""

_Kind = tuple[str, ...]

_log = structlog.get_logger("buttress.models.counting")


def readers_of(models: Sequence[Model]) -> Sequence[Model]:
    """Return those of a ladder that read a prompt; all where none does.

    The provider that quotes is handed the passages: it has no window, and nothing is too long for it.
    """
    return [model for model in models if model.provider != "extractive"] or models


class Counters:
    """The tokenizers of a project's models, each loaded once, when it is first needed.

    `openai` with an id that OpenAI's tokenizers are known for, and `local` where its file holds a tokenizer
    that we can run, are counted exactly; every other model is estimated.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._loaded: dict[_Kind, TokenCounter] = {}
        self._lock = asyncio.Lock()

    async def of(self, models: Sequence[Model]) -> TokenCounter:
        """Return a counter by which a text has the most tokens that it has for any of `models`."""
        kinds = {self._kind(model): model for model in models}
        counters = [await self._counter(kind, model) for kind, model in kinds.items()]
        return counters[0] if len(counters) == 1 else WorstTokens(counters)

    def at_hand(self, model: Model) -> TokenCounter:
        """Return what counts for `model` if it was loaded already, else an estimate; never waits."""
        return self._loaded.get(self._kind(model), _ESTIMATE)

    def _kind(self, model: Model) -> _Kind:
        """Return what tells whether two models count alike."""
        if model.provider == "openai" and (encoding := encoding_of(model.id)):
            return ("openai", encoding)
        return ("local", model.path) if model.provider == "local" else ()

    async def _counter(self, kind: _Kind, model: Model) -> TokenCounter:
        if not kind:
            return _ESTIMATE
        async with self._lock:
            if kind not in self._loaded:
                while len(self._loaded) >= MOST_LOADED:
                    del self._loaded[next(iter(self._loaded))]
                self._loaded[kind] = await asyncio.to_thread(self._load, kind, model)
            return self._loaded[kind]

    def _load(self, kind: _Kind, model: Model) -> TokenCounter:
        if kind[0] == "openai":
            return load_openai_counter(kind[1])
        try:
            found = load_gguf_counter(local_file(model, self._project))
        except (ButtressError, OSError) as error:
            _log.info("tokens.estimated", model=model.name, reason=str(error))
            return _ESTIMATE
        return found or _ESTIMATE
