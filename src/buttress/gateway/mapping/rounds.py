"""The rounds of reading a long text: its pieces, then level by level their merges, until one is left."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial

import msgspec

from buttress.gateway.call import Call
from buttress.gateway.mapping.asking import Asker, Messages
from buttress.gateway.mapping.side_by_side import side_by_side
from buttress.gateway.mapping.task import Task
from buttress.gateway.types import LeftOut, Mapped, Progressed
from buttress.guardrails.markers import strip_markers
from buttress.guardrails.plain import visible
from buttress.kernel.errors import ButtressError
from buttress.kernel.sentences import sentence_spans
from buttress.models.errors import ModelTimeout, NoRungLeft
from buttress.prompts.merging import Partial, about_piece, grouped, merging
from buttress.prompts.reading_types import Piece

NOTHING = "nothing"
"""What a model writes of a piece that holds nothing for the request; it is not merged."""

FAILURES_IN_A_ROW = 8
"""So many pieces without an answer, one after the other: then the models are down, and no more are asked."""


class _Asked(msgspec.Struct, frozen=True):
    """What came of one request: a text, or why there is none."""

    at: int
    text: str
    error: ButtressError | None = None


class Rounds:
    """Reads one text for one call; `mapped` tells what was done so far."""

    def __init__(self, task: Task, call: Call) -> None:
        self._task = task
        self.asker = Asker(task, call)
        self._partials: list[Partial] = []
        self._left_out: list[LeftOut] = []
        self._end: ButtressError | None = None
        self._kept = self._empty = self._merges = self._shortened = 0

    @property
    def mapped(self) -> Mapped:
        """What is told of it."""
        return Mapped(
            pieces=len(self._task.pieces),
            kept=self._kept + self.asker.shared,
            empty=self._empty,
            merges=self._merges,
            shortened=self._shortened,
            left_out=tuple(self._left_out),
        )

    async def answer(self) -> AsyncGenerator[str | Progressed, None]:
        """Give the text of the last merge as it comes, before it how far the rest is.

        There is no text where no piece holds anything for the request.

        Raises:
            ButtressError: a merge failed, or all pieces, or what none can do without: money, time, the
                document.
        """
        async with aclosing(self._pieces()) as progress:
            async for one in progress:
                yield one
        while len(groups := await self._groups()) > 1:
            async with aclosing(self._level(groups)) as progress:
                async for one in progress:
                    yield one
        if self._partials:
            async with aclosing(self._last(groups[0])) as text:
                async for piece in text:
                    yield piece

    async def _pieces(self) -> AsyncGenerator[Progressed, None]:
        task = self._task
        requests = await asyncio.to_thread(self._requests)  # all of the text takes the processor for a while
        known = await self.asker.kept(requests)
        work = [partial(self._ask, at, request, known) for at, request in enumerate(requests)]
        answers: dict[int, str] = {}
        failed: dict[int, ButtressError] = {}
        in_a_row = 0
        async with side_by_side(work, task.stage.parallel) as results, aclosing(results):
            async for done, asked in _counted(results):
                if asked.error:
                    failed[asked.at] = asked.error
                    in_a_row += 1
                    if self._ends(asked.error) or in_a_row >= FAILURES_IN_A_ROW:
                        self._end = self._end or asked.error
                else:
                    answers[asked.at], in_a_row = asked.text, 0
                yield Progressed("pieces", done, len(work))
        if self._end or len(failed) == len(work):
            raise self._end or failed[0]
        self._left_out = [
            LeftOut(task.pieces[at].place, _code(error)) for at, error in sorted(failed.items())
        ]
        self._partials = [
            Partial(_numbered(text, task.pieces[at]), task.pieces[at], task.pieces[at])
            for at, text in sorted(answers.items())
            if not _is_nothing(text)
        ]
        self._empty = len(answers) - len(self._partials)

    def _ends(self, error: ButtressError) -> bool:
        """Say whether no other piece can fare better: the money, the time or the document is gone."""
        cause, latency = _cause(error), self._task.release.latency
        waited_for = cause.data.get("waited_for") if isinstance(cause, ModelTimeout) else ""
        is_late = waited_for == "total" and latency is not None and latency.total_ms is not None
        return is_late or cause.code.startswith(("budget.", "gateway."))

    def _requests(self) -> list[Messages]:
        task = self._task
        return [about_piece(task.about_piece, task.values, task.reading, piece) for piece in task.pieces]

    async def _groups(self) -> tuple[tuple[Partial, ...], ...]:
        task, partials = self._task, self._partials
        wanted = task.stage.piece_tokens
        found = await asyncio.to_thread(grouped, partials, task.merge_room_tokens, wanted, task.counter)
        self._shortened += found.shortened
        return found.groups

    async def _level(self, groups: Sequence[tuple[Partial, ...]]) -> AsyncGenerator[Progressed, None]:
        """Merge each group; one that holds a single answer goes on as it is."""
        requests = {at: self._merging(group) for at, group in enumerate(groups) if len(group) > 1}
        known = await self.asker.kept(list(requests.values()))
        work = [partial(self._ask, at, request, known) for at, request in requests.items()]
        merged = {at: group[0] for at, group in enumerate(groups) if len(group) == 1}
        async with side_by_side(work, self._task.stage.parallel) as results, aclosing(results):
            async for done, asked in _counted(results):
                if asked.error:
                    raise asked.error
                group = groups[asked.at]
                merged[asked.at] = Partial(visible(asked.text).strip(), group[0].first, group[-1].last)
                yield Progressed("merges", done, len(work))
        self._merges += len(work)
        self._partials = [merged[at] for at in sorted(merged)]

    async def _last(self, group: tuple[Partial, ...]) -> AsyncGenerator[str, None]:
        if len(group) == 1:
            yield group[0].text
            return
        request = self._merging(group)
        self._merges += 1
        if known := await self.asker.kept([request]):
            self._kept += 1
            yield next(iter(known.values()))
            return
        async with aclosing(self.asker.stream(request)) as pieces:
            async for piece in pieces:
                yield piece

    def _merging(self, group: Sequence[Partial]) -> Messages:
        return merging(self._task.merging, self._task.values, group)

    async def _ask(self, at: int, request: Messages, known: Mapping[str, str]) -> _Asked:
        kept = known.get(self.asker.digest(request)) if known else None
        if kept is not None:
            self._kept += 1
            return _Asked(at, kept)
        if self._end:  # those under way go on, and are kept
            return _Asked(at, "", self._end)
        try:
            return _Asked(at, await self.asker.ask(request))
        except ButtressError as error:
            return _Asked(at, "", error)


async def _counted(results: AsyncGenerator[_Asked, None]) -> AsyncGenerator[tuple[int, _Asked], None]:
    done = 0
    async for one in results:
        done += 1
        yield done, one


def _cause(error: ButtressError) -> ButtressError:
    """Return what the last model failed with, where that is why none answers."""
    return error.last if isinstance(error, NoRungLeft) and error.last else error


def _code(error: ButtressError) -> str:
    return _cause(error).code


def _is_nothing(text: str) -> bool:
    return "".join(filter(str.isalpha, text)).lower() in ("", NOTHING)


def _numbered(text: str, piece: Piece) -> str:
    """Return the answer to a piece with the piece's number behind each sentence, so that merges keep it."""
    plain, marked, at = strip_markers(visible(text)), list[str](), 0
    for _, end in sentence_spans(plain):
        marked.append(f"{plain[at:end]} [{piece.number}]")
        at = end
    return "".join(marked).strip()
