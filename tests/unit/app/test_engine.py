"""Which engine is asked: the one that runs for this project, else one in this process."""

import os
from pathlib import Path

import msgspec
import pytest

from buttress.app.engine import ENGINE, engine_runs, local_engine, remote_engine
from buttress.app.layout import engine_address, run_folder
from buttress.app.project import knowledge_bases
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.engine.wire import Address, write_address
from buttress.knowledge.errors import EngineAway, UnknownKnowledge
from buttress.knowledge.search_types import Query
from buttress.knowledge.settings import EmbedderSettings
from buttress.processes.announcing import Announcer, replace_file, said_file
from buttress.processes.status import read_said
from buttress.settings.loading import load_settings
from tests.projects import ANSWERABLE

QUERY = Query(knowledge="docs", text=ANSWERABLE, scope=Scope("default"))


def claim(project: Path, pid: int) -> None:
    """Leave the files of an engine with this pid, which is taken for alive if it is ours."""
    write_address(engine_address(project), Address(host="127.0.0.1", port=9, token="t", pid=pid))
    Announcer(run_folder(project), ENGINE, SystemClock()).say(ready=True)


async def test_the_engine_in_this_process_searches(ingested: Path, embedder: object) -> None:
    loaded = load_settings(ingested, environment={})
    shared = SharedEmbedder(EmbedderSettings())
    async with local_engine(loaded, knowledge_bases(ingested), shared, SystemClock()) as engine:
        found = await engine.search(QUERY)
    shared.close()
    assert found.passages


def test_no_engine_runs_where_nobody_said_so(tmp_path: Path) -> None:
    assert not engine_runs(tmp_path)


def test_an_engine_that_is_alive_runs(tmp_path: Path) -> None:
    claim(tmp_path, os.getpid())
    assert engine_runs(tmp_path)


def test_a_later_process_of_that_pid_is_no_engine(tmp_path: Path) -> None:
    """In a container the same few pids come again after every restart."""
    claim(tmp_path, os.getpid())
    said = read_said(run_folder(tmp_path), ENGINE)
    assert said is not None
    earlier = msgspec.structs.replace(said, process="another boot:1")
    replace_file(said_file(run_folder(tmp_path), ENGINE), msgspec.json.encode(earlier))
    assert not engine_runs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\x00", b'{"host": "\xff"}', b'{"pid": 1}'])
def test_a_torn_address_is_none(tmp_path: Path, content: bytes) -> None:
    claim(tmp_path, os.getpid())
    engine_address(tmp_path).write_bytes(content)
    assert not engine_runs(tmp_path)


async def test_an_engine_that_is_away_says_so(tmp_path: Path) -> None:
    async with remote_engine(load_settings(tmp_path, environment={})) as engine:
        with pytest.raises(EngineAway):
            await engine.search(QUERY)


async def test_an_error_of_the_caller_stays_what_it_is(tmp_path: Path) -> None:
    """Not a group of errors: whoever catches it by its class must find it."""
    with pytest.raises(UnknownKnowledge):
        async with remote_engine(load_settings(tmp_path, environment={})):
            raise UnknownKnowledge("no such knowledge")
