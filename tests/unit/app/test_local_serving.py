"""The process of the local model: announced, asked with its token, told to stop."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL, ServedModel, address_file
from buttress.app.local_serving import local_run, run_local_model
from buttress.models.errors import LocalModelAway, LocalModelMissing
from buttress.models.types import LocalAddress
from buttress.processes.status import read_said
from tests.local_models import SMALL, load_project, needs_model, write_models
from tests.waiting import until

ROLE = ("serve", "--role", LOCAL_MODEL)


@contextmanager
def running(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the role by itself for the block."""
    command = [sys.executable, "-m", "buttress", "--project", str(project), *ROLE]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def is_ready(project: Path) -> bool:
    """Say whether the role said so."""
    said = read_said(run_folder(project), LOCAL_MODEL)
    return said is not None and said.ready


@needs_model
def test_how_a_model_is_run_comes_from_its_entry_and_the_settings(tmp_path: Path) -> None:
    loaded = load_project(tmp_path, "models.local.parallel=3")
    one, other = local_run(loaded, SMALL), local_run(loaded, SMALL)
    assert (one.name, one.window_tokens, one.parallel, one.threads) == ("small", 2_048, 3, 1)
    assert len(one.token) > 20
    assert one.token != other.token


def test_without_a_local_model_there_is_nothing_to_serve(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NOTHING, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert LocalModelMissing.code in done.stdout
    said = read_said(run_folder(tmp_path), LOCAL_MODEL)
    assert said is not None
    assert "models.yaml names no model" in said.message


# In a process of its own: it is told to die with its parent.
NOTHING = f"""
import asyncio, sys
from pathlib import Path
from buttress.app.local_serving import {run_local_model.__name__}
from buttress.kernel.errors import ButtressError
from buttress.settings.loading import load_settings
try:
    asyncio.run({run_local_model.__name__}(load_settings(Path(sys.argv[1]), environment={{}})))
except ButtressError as error:
    print(error.code)
"""


async def models_at(address: LocalAddress, token: str) -> tuple[int, str]:
    """Return what the server says about its models."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{address.url}/v1/models") as response,
    ):
        return response.status, await response.text()


@needs_model
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_it_is_found_asked_by_its_token_and_ends_when_told(tmp_path: Path) -> None:
    write_models(tmp_path)
    with running(tmp_path) as process:
        await until(lambda: is_ready(tmp_path) or process.poll() is not None, 60)
        address = await ServedModel(tmp_path).address()
        assert address.pid == process.pid
        assert address.url.startswith("http://127.0.0.1:")
        status, _ = await models_at(address, "no token")
        assert status == 401
        status, said = await models_at(address, address.token)
        assert (status, "small" in said) == (200, True)
        assert ".gguf" not in said
        assert os.sep not in said.replace("\\/", os.sep)
        process.terminate()
        await until(lambda: process.poll() is not None, 60)
        assert process.returncode == 0
    assert not address_file(run_folder(tmp_path)).exists()
    with pytest.raises(LocalModelAway):
        await ServedModel(tmp_path).address()
