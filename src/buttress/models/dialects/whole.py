"""Watching what is answered in one piece, and never streams: vectors, rankings. Pure."""

from collections.abc import Callable

from buttress.kernel.catalogue import Model
from buttress.models.dialects.types import Seen
from buttress.models.errors import BadAnswer, StreamCut


class WholeWatch:
    """A `Watcher` of one answer; `read` says what is in it, or raises `BadAnswer`."""

    usage_so_far = None

    def __init__(self, model: Model, read: Callable[[bytes], Seen]) -> None:
        self._model = model
        self._read = read
        self.began = False

    def see(self, data: str) -> Seen:
        """See `Watcher.see`.

        Raises:
            BadAnswer: always: nothing of this kind streams.
        """
        raise BadAnswer(f"{self._model.name} streams {len(data):,} characters where one answer was asked for")

    def see_whole(self, body: bytes) -> Seen:
        """See `Watcher.see_whole`."""
        self.began = bool(body)
        return self._read(body)

    def end(self) -> Seen:
        """See `Watcher.end`."""
        return Seen()

    def cut(self) -> StreamCut:
        """See `Watcher.cut`."""
        return StreamCut(f"the answer of {self._model.name} stopped before its end")
