"""What the process of the local model does until it is told to stop."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

import msgspec

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL, address_file, local_model
from buttress.app.roles import announced, stop_asked
from buttress.kernel.catalogue import Model
from buttress.models.errors import LocalModelMissing
from buttress.models.local_file import local_file
from buttress.models.local_server import LocalRun, start_local_server
from buttress.models.types import LocalAddress
from buttress.processes.announcing import replace_file
from buttress.processes.lifeline import die_with_parent
from buttress.settings.loading import Loaded


async def run_local_model(loaded: Loaded, own_dir: Path | None = None) -> None:
    """Serve the project's local model to the other processes, until told to stop.

    It is announced in the project's run folder; or in `own_dir`, which is removed at the end: whoever made it
    may have been killed.

    Raises:
        LocalModelMissing: models.yaml names none, or its file or xllamacpp is not there.
        LocalModelBroken: the file cannot be run.
    """
    run_dir = own_dir or run_folder(loaded.project)
    die_with_parent()
    address_file(run_dir).unlink(missing_ok=True)  # of one that was killed
    with announced(loaded, LOCAL_MODEL, run_dir=run_dir) as announcer:
        announcer.say(ready=False, message="loading the model")
        run = _run(loaded)
        # Nothing else runs in Python meanwhile; so signals are left to the system until it is loaded.
        server = start_local_server(run)
        asked = stop_asked()
        address = LocalAddress(url=server.listening_address, token=run.token, pid=os.getpid())
        replace_file(address_file(run_dir), msgspec.json.encode(address))
        announcer.say(ready=True, message=run.name, address=address.url)
        await asked.wait()
        address_file(run_dir).unlink(missing_ok=True)
    if own_dir:
        _remove(own_dir)
    del server


def _remove(folder: Path) -> None:
    """Remove `folder`, unless it holds something or was removed already."""
    with suppress(OSError):
        folder.rmdir()


def _run(loaded: Loaded) -> LocalRun:
    model = local_model(loaded.project)
    if model is None:
        raise LocalModelMissing(
            "models.yaml names no model with `provider: local`", hint="Add one, or leave this role out."
        )
    return local_run(loaded, model)


def local_run(loaded: Loaded, model: Model) -> LocalRun:
    """Return how `model` is to be run, with a token that nobody knows yet; raises as `local_file`."""
    local = loaded.tree.models.local
    return LocalRun(
        name=model.name,
        path=local_file(model, loaded.project),
        window_tokens=model.window_tokens,
        parallel=local.parallel,
        threads=local.threads,
        token=secrets.token_urlsafe(32),
    )
