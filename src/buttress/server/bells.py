"""Something that happens once, and that several wait for without a task each."""

from collections.abc import Callable


class Bell:
    """Rings once; whoever listens is called then. For one event loop."""

    def __init__(self) -> None:
        self._listening: dict[int, Callable[[], None]] = {}
        self.has_rung = False

    def ring(self) -> None:
        """Call everybody who listens; ringing again does nothing."""
        self.has_rung = True
        for hear in [*self._listening.values()]:
            hear()
        self._listening.clear()

    def listen(self, hear: Callable[[], None]) -> None:
        """Have `hear` called when it rings; not when it has rung already. It must not fail, and not wait."""
        self._listening[id(hear)] = hear

    def ignore(self, hear: Callable[[], None]) -> None:
        """Do not call `hear` any more; the very object that was given to `listen`."""
        self._listening.pop(id(hear), None)
