"""The project of a soak: served in processes of its own, its models.yaml written anew again and again."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from soaking.mix import RENAMED

ROOT = Path(__file__).parents[2]
BUTTRESS = (sys.executable, "-m", "buttress", "--project")
READY_S = 120.0
SETTINGS = """\
# Stalls are noticed soon, and connections that nobody uses are closed while somebody watches.
models: {idle_timeout_s: 4}
outbound: {keep_alive_s: 3}
knowledge: {engine: {stage_timeout_s: 10, call_timeout_s: 20}}
"""
MODELS = """\
models:
  quotes: {{provider: extractive}}
{openai}
  claude: {{provider: anthropic, id: claude, base_url: {url}, key: file:key, price: {{input: 3, output: 15}}}}
  gem: {{provider: gemini, id: gem, base_url: {url}, key: file:key}}
  moved: {{provider: openai, id: moved, base_url: "http://127.0.{third}.{fourth}:{port}/v1"}}
ladders:
  answers: [quotes]
  solid: [broken, limited, fast]
  quick: {{rungs: [[fast, second], claude], hedge_after_ms: 200}}
"""
OPENAI = ("fast", "second", "drip", "limited", "broken", "cut", "stalled", "malformed", "no-done", "erring")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A project in a folder, and the upstream that its models have."""

    folder: Path
    upstream: str

    def make(self) -> None:
        """Write the example with these models, and ingest its documents."""
        example = ROOT / "examples" / "support"
        shutil.copytree(example, self.folder, ignore=shutil.ignore_patterns(".buttress", "__pycache__"))
        (self.folder / "buttress.yaml").write_text(SETTINGS)
        (self.folder / "key").write_text("sk-soak")
        self.reload(0)
        done = subprocess.run([*BUTTRESS, self.folder, "ingest"], check=False, capture_output=True)  # noqa: S603
        if done.returncode:
            raise ChildProcessError(done.stderr.decode())

    def reload(self, number: int) -> str:
        """Write models.yaml for the `number`th time; return the name that the renamed model has in it.

        One model moves to another address each time, where nobody answers: another origin.
        """
        renamed = f"{RENAMED}{number}"
        entry = "  {name}: {{provider: openai, id: {name}, base_url: {url}, price: {{input: 1, output: 2}}}}"
        openai = "\n".join(entry.format(name=name, url=self.upstream) for name in (*OPENAI, renamed))
        port = self.upstream.rpartition(":")[2].partition("/")[0]
        third, fourth = divmod(number, 250)
        text = MODELS.format(openai=openai, url=self.upstream, third=third + 1, fourth=fourth + 1, port=port)
        written = self.folder / "models.yaml.new"
        written.write_text(text)
        written.replace(self.folder / "models.yaml")
        return renamed

    @contextmanager
    def served(self, workers: int) -> Iterator[str]:
        """Serve it for the block; return where.

        Raises:
            TimeoutError: it did not become ready.
        """
        command = [*BUTTRESS, str(self.folder), "serve", "--port", "0", "--workers", str(workers)]
        said = self.folder.with_name(f"{self.folder.name} says")
        with said.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)  # noqa: S603
        try:
            yield _address(said)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(40)
            process.kill()
            process.wait()


def _address(said: Path) -> str:
    until = time.perf_counter() + READY_S
    while time.perf_counter() < until:
        if found := re.search(r"^ready: (http://\S+)$", said.read_text(), re.MULTILINE):
            return found[1]
        time.sleep(0.05)
    raise TimeoutError(f"it did not become ready: {said.read_text()}")


def be_nice(by: int) -> None:
    """Give way to others, the processes that are started from now on included."""
    os.nice(by)
