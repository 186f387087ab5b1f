"""A cross-encoder: a model that reads question and document together, and says how well they fit.

Any ONNX model for the classification of pairs: it takes `input_ids` and, if it wants them, `attention_mask`
and `token_type_ids`, and gives one number (a logit), or two of which the second is for "fits".
"""

from collections.abc import Callable
from functools import partial
from math import isnan
from pathlib import Path
from typing import TypeVar

import msgspec

from buttress.knowledge.embedding.onnx_models import (
    CHARACTERS_PER_TOKEN,
    inputs_of,
    one_line,
    open_session,
    open_tokenizer,
    require_onnx,
    run_failures,
    speakable,
)
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.ranking.calibration import logistic
from buttress.knowledge.reranking.scores import Score, reranked
from buttress.knowledge.reranking.threads import Threads
from buttress.knowledge.reranking.windows import windowed
from buttress.knowledge.search_types import Reranked, Reranking
from buttress.knowledge.settings import RerankerSettings

T = TypeVar("T")

_KNOWN_INPUTS = frozenset(("input_ids", "attention_mask", "token_type_ids"))


class CrossEncoderFiles(msgspec.Struct, frozen=True, kw_only=True):
    """A cross-encoder on disk."""

    name: str
    model: Path
    tokenizer: Path


class CrossEncoder:
    """A `Reranker` of model.onnx and tokenizer.json. Opening it blocks; close it to end its threads."""

    def __init__(self, files: CrossEncoderFiles, settings: RerankerSettings) -> None:
        require_onnx()
        self._name = files.name
        self._window = settings.max_tokens
        self._threads = Threads(settings.threads)
        self._session = self._loaded(open_session, files.model)
        self._tokenizer = self._loaded(lambda path: open_tokenizer(path, None), files.tokenizer)
        self._failures = run_failures()
        self._inputs = frozenset(one.name for one in self._session.get_inputs())
        if unknown := self._inputs - _KNOWN_INPUTS:
            self._threads.close()
            raise RerankerBroken(f"{files.model} takes {', '.join(sorted(unknown))}: it is no cross-encoder")

    @property
    def name(self) -> str:
        """See `Reranker.name`."""
        return self._name

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Reranker.rerank`. A question takes half of the window at most."""
        query = await self._threads.run(partial(self._cut, asked.query, self._window // 2))
        score = partial(self._score, query, asked.max_tokens or self._window)
        return reranked(await self._threads.each(score, asked.documents))

    def close(self) -> None:
        """See `Reranker.close`."""
        self._threads.close()

    def _loaded(self, load: Callable[[Path], T], path: Path) -> T:
        """Return what `load` returns. The libraries raise bare exceptions of many kinds, all alike."""
        future = self._threads.begin(lambda: load(path))
        error = future.exception()
        if error is None:
            return future.result()
        self._threads.close()
        raise RerankerBroken(f"{path} is not of a cross-encoder: {one_line(error)}") from error

    def _cut(self, text: str, most: int) -> str:
        seen = speakable(text[: most * CHARACTERS_PER_TOKEN])
        starts = [start for start, _ in self._tokenizer.encode(seen, add_special_tokens=False).offsets]
        return seen if len(starts) <= most else seen[: starts[most]]

    def _score(self, query: str, most: int, document: str) -> Score:
        seen = speakable(document[: self._window * CHARACTERS_PER_TOKEN])
        pair = self._tokenizer.encode(query, seen)
        beside = sum(1 for one in pair.sequence_ids if one != 1)
        limit = min(self._window, beside + most)
        ids, kinds = windowed(pair.ids, limit), windowed(pair.type_ids, limit)
        is_cut = len(pair.ids) > limit or len(seen) < len(document)
        try:
            output = self._session.run(None, inputs_of(self._inputs, ids, kinds))[0]
        except self._failures as error:
            raise RerankerBroken(f"{self._name} could not run: {one_line(error)}") from error
        return Score(self._probability(output.ravel().tolist()), len(ids), is_cut)

    def _probability(self, logits: list[float]) -> float:
        """Return the score of one pair: the logistic function, of two logits that of their difference."""
        match logits:
            case [one]:
                logit = one
            case [no, yes]:
                logit = yes - no
            case _:
                raise RerankerBroken(f"{self._name} gives {len(logits):,} numbers for a pair, not one or two")
        if isnan(logit):
            raise RerankerBroken(f"{self._name} gave a score that is no number")
        return logistic(logit)
