"""The Python functions of one release: the right files, each read once, asked in processes of their own.

The code is the team's own and trusted, but it may fail, hang, or have been changed since the release was
compiled. What runs are the very bytes whose hash was compared, whatever becomes of the file meanwhile.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from buttress.kernel.ids import content_hash
from buttress.releases.frames import Failed
from buttress.releases.pool import FunctionPool, Module, Unloadable
from buttress.releases.types import FunctionRule, file_sha256

MAX_SOURCE_BYTES = 1_000_000
MAX_LOADS = 3
"""How often a file is loaded that ends its process or is late: each time costs a call the deadline."""


class Functions:
    """The functions in the files of a feature's `folder`.

    A file that raises an error is not loaded again; one whose process ended or was late is, a few times. One
    that is missing or another is looked at each time.
    """

    def __init__(self, folder: Path, pool: FunctionPool) -> None:
        self._folder = folder
        self._pool = pool
        self._modules: dict[str, Module | Failed] = {}
        self._tries: dict[str, int] = {}

    async def ask(self, rule: FunctionRule, values: Mapping[str, object]) -> str | Failed | None:
        """Return the answer to a copy of `values`, None when there is none, or why it failed."""
        module = self._modules.get(rule.file)
        if module is None:
            module = await asyncio.to_thread(_read, self._folder / rule.file, rule.sha256)
        if isinstance(module, Failed):
            return module
        self._modules[rule.file] = module
        answer = await self._pool.call(module, rule.function, values)
        return self._failed(rule.file, answer) if isinstance(answer, Unloadable) else answer

    def _failed(self, file: str, unloadable: Unloadable) -> Failed:
        failed = _unusable(unloadable.reason)
        self._tries[file] = self._tries.get(file, 0) + 1
        if unloadable.is_final or self._tries[file] >= MAX_LOADS:
            self._modules[file] = failed
        return failed


def _read(path: Path, sha256: str) -> Module | Failed:
    try:
        with path.open("rb") as file:
            source = file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        return _unusable(error.strerror or type(error).__name__)
    if file_sha256(source) != sha256:
        return _unusable("it is not the file that the release was compiled from")
    return Module(f"buttress_rules_{content_hash(str(path), sha256)}", str(path), source)


def _unusable(reason: str) -> Failed:
    return Failed(f"its file does not load: {reason}")
