"""How rare words are in each knowledge base: counted in a sample of it, kept while it hardly changes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from buttress.knowledge.index.table import Table
from buttress.knowledge.stages.terms import TermStatistics, count_terms

_SAMPLED_ROWS = 2_000
_EXACT_ROWS = 500


class Vocabulary:
    """The statistics of a process's knowledge bases. Up to 500 rows they are exact and follow every change.

    The counts are of the whole knowledge base, as BM25's are. Of words that the asker sees in no text they
    are not used (see `asked`): of other readers' documents they tell how common there is what the asker's
    own hold, nothing else.
    """

    def __init__(self, count: Callable[[Iterable[str]], TermStatistics] = count_terms) -> None:
        self._count = count
        self._known: dict[str, tuple[int, str, TermStatistics]] = {}
        self._being_counted: set[str] = set()

    async def of(self, knowledge: str, table: Table) -> TermStatistics:
        """Return the statistics of `knowledge`, whose rows are in `table`; those before, while it is counted.

        Raises:
            IndexFailed: they cannot be counted.
        """
        rows, version = await table.count(), await table.version()
        known_rows, known_version, statistics = self._known.get(knowledge, (-1, "", TermStatistics(0, {})))
        drifted = known_rows < 0 or abs(rows - known_rows) * 10 > known_rows
        is_due = drifted or (rows <= _EXACT_ROWS and version != known_version)
        if not is_due or knowledge in self._being_counted:
            return statistics
        texts = await table.sample(_SAMPLED_ROWS)
        return await asyncio.to_thread(self._counted, knowledge, rows, version, texts)

    def _counted(self, knowledge: str, rows: int, version: str, texts: Sequence[str]) -> TermStatistics:
        """Count, and keep the result: a search without time to wait for it leaves it to the next one."""
        self._being_counted.add(knowledge)
        try:
            statistics = self._count(texts)
            self._known[knowledge] = rows, version, statistics
        finally:
            self._being_counted.discard(knowledge)
        return statistics
