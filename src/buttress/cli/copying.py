"""Copying what a project begins with: the packaged template, or the packaged example."""

import shutil
from pathlib import Path

LEFT_OUT = {".buttress", "__pycache__"}


def copy_into(source: Path, folder: Path) -> None:
    """Copy all of `source` into `folder`, which is new or empty; when that fails, nothing of it stays.

    Raises:
        OSError: the machine refused to make a folder or to write a file; names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _copy(source, folder)
    except BaseException:
        for made in folder.iterdir():
            shutil.rmtree(made) if made.is_dir() else made.unlink()
        raise


def _copy(source: Path, folder: Path) -> None:
    for path in sorted(source.iterdir()):
        if path.name in LEFT_OUT:
            continue
        if path.is_dir():
            (folder / path.name).mkdir()
            _copy(path, folder / path.name)
        else:
            (folder / path.name).write_bytes(path.read_bytes())
