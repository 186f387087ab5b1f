"""models.yaml and its keys, changed while `buttress serve` runs: seen at once, and never half of it."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import aiohttp
import msgspec
import pytest

from buttress.app.layout import log_folder, run_folder
from buttress.processes.announcing import said_file
from buttress.testing.upstream import Received, Reply, ScriptedUpstream
from tests.flows.running import Served, say, serve_models
from tests.flows.threads import in_thread
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WORKERS = ("calls-1", "calls-2")
SECOND_LOOK_S = 2.0
"""Within this an edit answers; on a machine that is busy with other things within five times as long."""

MODELS = """\
models:
  writer: {{provider: openai, id: "{id}", base_url: "{url}", key: "file:key"}}
"""


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What is served, its files, and the upstream of its models, which repeats their ids."""

    served: Served
    upstream: ScriptedUpstream
    models: Path
    key: Path

    def write(self, text: str) -> None:
        """Put another models.yaml in the place of that which is there."""
        replace(self.models, text)

    def good(self, model: str) -> str:
        """Return a models.yaml without mistakes, whose model has this id."""
        return MODELS.format(id=model, url=self.upstream.url)

    async def asked(self, name: str = "writer") -> tuple[int, dict[str, object]]:
        """Ask a model, on a connection of its own, so that any worker may be the one; return what came."""
        body = {"model": name, "messages": [{"role": "user", "content": "Hi?"}]}
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{self.served.url}/v1/chat/completions", json=body) as response,
        ):
            return response.status, await response.json()

    async def says(self, text: str) -> bool:
        """Say whether the model answers `text`, twenty times: two workers share the calls."""
        for _ in range(20):
            status, answer = await self.asked()
            assert status == 200, answer
            if text not in str(answer["choices"]):
                return False
        return True

    async def problem(self) -> str:
        """Return what `/readyz` has to say of the files; it must be ready."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.served.url}/readyz") as response:
            assert response.status == 200, await response.text()
            return str((await response.json())["problem"])

    def complaints(self) -> dict[str, int]:
        """Return how often each worker has logged that the files have mistakes."""
        folder = log_folder(self.served.project)
        return {name: (folder / f"{name}.log").read_text().count("project.invalid") for name in WORKERS}

    def logged(self) -> str:
        """Return all that was logged, and printed."""
        printed = self.served.project.with_name(f"{self.served.project.name} says")
        files = [printed, *log_folder(self.served.project).iterdir()]
        return "".join(path.read_text() for path in files)

    def files_of_workers(self) -> list[Path]:
        """Return the files that each worker touches whenever it has looked at the project."""
        return [said_file(run_folder(self.served.project), name) for name in WORKERS]


def replace(path: Path, text: str) -> None:
    """Write a file as an editor does: another one in its place."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


def repeat(received: Received) -> Reply:
    """Say which model was asked."""
    return Reply(chunks=(str(received.body["model"]),))


@pytest.fixture(scope="module")
def the_edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    """A project of one model, served by two workers until the last test."""
    upstream = ScriptedUpstream(repeat)
    with in_thread(upstream):
        models, workers = MODELS.format(id="first", url=upstream.url), str(len(WORKERS))
        with serve_models(
            tmp_path_factory.mktemp("reloaded"), models, "--workers", workers, key="sk-first"
        ) as served:
            project = served.project
            yield Edited(
                served=served, upstream=upstream, models=project / "models.yaml", key=project / "key"
            )


@pytest.fixture
async def edited(the_edited: Edited) -> Edited:
    """The project, with its files as they were at first, and all workers going by them."""
    replace(the_edited.key, "sk-first")
    the_edited.write(the_edited.good("first"))
    await until(lambda: the_edited.says("first"), 30)
    the_edited.upstream.received.clear()
    return the_edited


async def looks(edited: Edited, times: int) -> None:
    """Wait until each worker has looked at the files so many times more."""
    seen = {path: {path.stat().st_mtime_ns} for path in edited.files_of_workers()}

    async def looked() -> bool:
        for path, moments in seen.items():
            moments.add(path.stat().st_mtime_ns)
        return all(len(moments) > times for moments in seen.values())

    await until(looked, 60)


async def test_an_edit_answers_within_two_looks(edited: Edited) -> None:
    began = perf_counter()
    edited.write(edited.good("second"))
    await until(lambda: edited.says("second"), 30)
    took_s = perf_counter() - began
    say(f"an edited models.yaml answers after {took_s:.2f} s")
    assert took_s < 5 * SECOND_LOOK_S


async def test_a_new_model_answers_and_one_that_is_gone_does_not(edited: Edited) -> None:
    edited.write(
        edited.good("first") + f'  new: {{provider: openai, id: n, base_url: "{edited.upstream.url}"}}\n'
    )

    async def answers() -> bool:
        return all([(await edited.asked("new"))[0] == 200 for _ in range(20)])

    await until(answers, 30)
    edited.write(edited.good("first"))

    async def is_gone() -> bool:
        return all([(await edited.asked("new"))[0] == 404 for _ in range(20)])

    await until(is_gone, 30)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        pytest.param(
            "models:\n  a: {provider: extractive}\nladders: {l: [a, b]}\n",
            "models.yaml:3",
            id="a ladder with a hole",
        ),
        pytest.param(
            'models:\n  w: {provider: openai, id: x, base_url: "http://h/v1", key: sk-do-not-tell}\n',
            "this is not a reference to a key",
            id="the key itself",
        ),
    ],
)
async def test_a_broken_edit_changes_nothing_and_is_said_once(edited: Edited, broken: str, told: str) -> None:
    before = edited.complaints()
    edited.write(broken)

    async def is_told() -> bool:
        return told in await edited.problem()

    await until(is_told, 30)
    await looks(edited, 2)
    assert await edited.says("first")
    assert "sk-do-not-tell" not in edited.logged() + await edited.problem()
    assert edited.complaints() == {name: count + 1 for name, count in before.items()}
    edited.write(edited.good("third"))
    await until(lambda: edited.says("third"), 30)
    assert await edited.problem() == ""


async def test_a_key_in_a_file_is_read_at_each_call(edited: Edited) -> None:
    await edited.asked()
    replace(edited.key, "sk-second\n")
    await edited.asked()
    sent = [one.headers["Authorization"] for one in edited.upstream.received]
    assert sent == ["Bearer sk-first", "Bearer sk-second"]


async def test_a_key_that_is_gone_is_named_and_one_that_is_back_is_used(edited: Edited) -> None:
    edited.key.unlink()
    status, answer = await edited.asked()
    assert status >= 400
    assert "file:key leads to nothing" in str(answer["error"])
    assert edited.upstream.received == []
    replace(edited.key, "sk-third")
    assert (await edited.asked())[0] == 200


async def test_another_reference_to_a_key_is_followed(edited: Edited) -> None:
    replace(edited.key.with_name("other-key"), "sk-other")
    edited.write(edited.good("other").replace("file:key", "file:other-key"))
    await until(lambda: edited.says("other"), 30)
    assert edited.upstream.received[-1].headers["Authorization"] == "Bearer sk-other"
