"""What the files of knowledge bases declare now: who may see what counts from the next question on."""

from pathlib import Path

from buttress.knowledge.declaration import read_knowledge_base
from buttress.knowledge.types import KnowledgeBase


class DeclaredNow:
    """The declarations in a folder, each read again when its file holds something else than before.

    A file is looked at for every question (30 microseconds) and compared by its bytes: times of files are too
    coarse to tell two edits of one moment apart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[bytes, KnowledgeBase]] = {}

    def __call__(self, base: KnowledgeBase) -> KnowledgeBase | None:
        """Return `base` as it is declared now; None when its file is gone.

        While the file has mistakes, or cannot be read, what it said before goes on.
        """
        path = self._folder / f"{base.name}.yaml"
        before, declared = self._read.get(base.name, (b"", base))
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            return declared
        if text != before:
            found = read_knowledge_base(path)
            declared = found if isinstance(found, KnowledgeBase) else declared
            self._read[base.name] = (text, declared)
        return declared
