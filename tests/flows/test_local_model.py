"""A local model as a user has it: served, killed, broken; and nobody waits for it."""

import asyncio
import re
import shutil
import time
from pathlib import Path

import aiohttp
import msgspec
import psutil
import pytest

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL
from buttress.gateway.types import Answer
from buttress.processes.status import read_status
from buttress.processes.types import State
from tests.flows.running import Served, buttress, kill, processes_of, readiness, say, serve, stored_traces
from tests.local_models import needs_model, write_models
from tests.projects import ANSWERABLE
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MAX_MEMORY_BYTES = 500 << 20


@pytest.fixture
def project(project: Path, tmp_path: Path) -> Path:
    """The ingested project, with a local model first on its ladder."""
    # Its name must not begin as another one's does: processes are found by it.
    served = Path(shutil.move(project, tmp_path / "served with a local model"))
    settings = (served / "buttress.yaml").read_text()
    write_models(served)
    (served / "buttress.yaml").write_text(settings)
    feature = served / "features" / "support" / "feature.yaml"
    feature.write_text(re.sub("passages: [0-9]+", "passages: 2", feature.read_text()))  # a prompt soon read
    return served


def state_of(served: Served) -> State | None:
    """Return how the local model is."""
    roles = read_status(run_folder(served.project))
    return next((role.state for role in roles if role.name == LOCAL_MODEL), None)


async def ask(served: Served) -> Answer:
    """Ask what the documents answer; what is answered names no file of a model."""
    body = {"input": {"question": ANSWERABLE}}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.url}/v1/features/support", json=body) as response,
    ):
        text = await response.text()
    assert response.status == 200, text
    assert "gguf" not in text.lower()
    return msgspec.json.decode(text, type=Answer)


class _Trace(msgspec.Struct):
    attempts: list[dict[str, object]]


async def attempts_of(served: Served, answer: Answer) -> list[tuple[object, object, object]]:
    """Return the attempts of a call: model, outcome, error."""

    async def is_stored() -> bool:
        return answer.trace_id in await stored_traces(served.project)

    await until(is_stored, 30, "the worker hands its traces over once a second")
    shown = await asyncio.to_thread(buttress, served.project, "trace", "show", answer.trace_id, "--json")
    assert shown.returncode == 0, shown.stderr
    assert "gguf" not in shown.stdout.lower()
    attempts = msgspec.json.decode(shown.stdout, type=_Trace).attempts
    return [(one["model"], one["outcome"], one["error_code"]) for one in attempts]


@needs_model
async def test_it_answers_is_killed_is_gone_past_and_comes_back(project: Path) -> None:
    with serve(project) as served:
        await until(lambda: state_of(served) is State.READY, 60, "the local model is ready")
        before = time.perf_counter()
        answer = await ask(served)
        say(f"answered in {time.perf_counter() - before:.1f} s: {answer.outcome} {answer.reason}")
        assert (await attempts_of(served, answer))[0] == ("small", "answered", None)
        pid = served.pid_of(LOCAL_MODEL)
        memory = psutil.Process(pid).memory_info().rss
        say(f"the local model has {memory >> 20} MB")
        assert memory < MAX_MEMORY_BYTES

        assert kill(pid)
        away = await ask(served)
        assert away.outcome == "answered"
        assert away.model in ("quotes", "small")  # small, where it was back already
        assert await readiness(served.url) == {}
        await until(
            lambda: state_of(served) is State.READY and served.pid_of(LOCAL_MODEL) != pid, 60, "it is back"
        )
        assert (await attempts_of(served, await ask(served)))[0] == ("small", "answered", None)
    assert processes_of(project) == []


async def test_a_file_that_is_none_is_one_line_and_the_rest_serves_on(project: Path) -> None:
    write_models(project, "models.yaml")
    with serve(project) as served:
        answer = await ask(served)
        assert (answer.outcome, answer.model) == ("answered", "quotes")
        assert ("small", "failed", "models.local_away") in await attempts_of(served, answer)
        assert await readiness(served.url) == {}
        await until(lambda: state_of(served) is State.WAITING, 30, "it is waited with")
        doctor = buttress(project, "doctor")
        assert "the file of the local model small is not a GGUF (models.local_broken)" in doctor.stdout
        said = project.with_name(f"{project.name} says").read_text().splitlines()
        assert next(line for line in said if "not a GGUF" in line).startswith(f"{LOCAL_MODEL}: ")
        assert len([line for line in said if line.startswith(LOCAL_MODEL)]) <= 3
        assert not any("Traceback" in line for line in said)
