"""Who is measured: Buttress, the peers that are installed, and nobody (the upstream asked directly).

A peer is looked for in `artifacts/peers/NAME`; `python benchmarks/dataplane/install.py` puts it there. One
that cannot be told to listen on this machine's own address only is run in a network that has nothing else.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "artifacts" / "peers"
KEY = f"sk-{secrets.token_hex(16)}"
START_S = 90.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a contestant is started with: the upstream, a port to listen on, a folder of its own, models."""

    upstream: str
    port: int
    folder: Path
    models: Sequence[str]


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A contestant that answers: where, what it calls a model, its processes, headers that it wants."""

    url: str
    name_of: Callable[[str], str]
    pid: int | None
    headers: Mapping[str, str] = {}


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """One to be measured. `begin` starts it and says where it will answer.

    One that `wants_loopback` listens on every address: it is started only where there is none but this
    machine's own, see `alone`.
    """

    name: str
    begin: Callable[[Place], "Begun"]
    is_there: Callable[[], bool]
    wants_loopback: bool = False

    @property
    def is_exposed(self) -> bool:
        """Whether it must not be started here, since others would reach it."""
        return self.wants_loopback and [name for _, name in socket.if_nameindex()] != ["lo"]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A process that was started, and where it will answer."""

    process: subprocess.Popen[bytes] | None
    url: str
    name_of: Callable[[str], str] = str
    headers: Mapping[str, str] = {}


def chosen(names: Sequence[str]) -> Iterator[Contestant]:
    """Yield the contestants called `names`, all without one; who is not installed is skipped aloud."""
    for contestant in CONTESTANTS:
        if names and contestant.name not in names:
            continue
        if contestant.is_there():
            yield contestant
        else:
            print(f"{contestant.name} is not installed: skipped", file=sys.stderr)


def alone(script: str, contestant: Contestant, *options: str) -> bytes:
    """Run `script` for one contestant in a network of its own; return what it writes to its `--out`."""
    inside = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [*inside, sys.executable, script, contestant.name, *options, "--out", str(out)]
        subprocess.run(command, check=True)  # noqa: S603
        return out.read_bytes()


@contextmanager
def running(contestant: Contestant, place: Place) -> Iterator[Running]:
    """Have `contestant` answer for the length of the block."""
    if contestant.is_exposed:
        raise PermissionError(f"{contestant.name} would listen on every address of this machine")
    begun = contestant.begin(place)
    try:
        _wait(begun, place)
        pid = begun.process.pid if begun.process else None
        yield Running(url=begun.url, name_of=begun.name_of, pid=pid, headers=begun.headers)
    finally:
        if begun.process:
            _end(begun.process)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(begun: Begun, place: Place) -> None:
    """Wait until it answers a chat; what it says does not matter."""
    body = msgspec.json.encode(
        {"model": begun.name_of(place.models[0]), "messages": [{"role": "user", "content": "hi"}]}
    )
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}", **begun.headers}
    until = time.perf_counter() + START_S
    while time.perf_counter() < until:
        request = urllib.request.Request(begun.url, body, headers)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - our own server
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise TimeoutError(f"{begun.url} does not answer; see {place.folder}")


def _start(command: Sequence[object], place: Place, **more: str) -> subprocess.Popen[bytes]:
    log = (place.folder / "log").open("wb")
    environment = {**os.environ, **more}  # noqa: TID251 - a benchmark is a program of its own
    return subprocess.Popen(  # noqa: S603
        [str(part) for part in command],
        cwd=place.folder,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _nobody(place: Place) -> Begun:
    return Begun(process=None, url=f"{place.upstream}/chat/completions")


BUDGETS = """\
budgets:
  all: {limit: 900000 USD, window: month}
  each-user: {limit: 900000 USD, window: day, per: [user]}
"""
LIMITS = """\
limits:
  all: {requests_per_minute: 90000000, tokens_per_minute: 90000000000}
"""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project of Buttress: files beside buttress.yaml and models.yaml, and what each model has beside."""

    files: Mapping[str, str] = {}
    of_models: str = ""
    has_key: bool = False
    environment: Mapping[str, str] = {}

    def begin(self, place: Place) -> Begun:
        """Serve it."""
        for name, text in {"buttress.yaml": "{}\n", "models.yaml": self._models(place), **self.files}.items():
            (place.folder / name).write_text(text)
        command = [sys.executable, "-m", "buttress", "serve", "--port", place.port]
        process = _start(command, place, **self.environment)
        headers = {"x-api-key": _new_key(place)} if self.has_key else {}
        url = f"http://127.0.0.1:{place.port}/v1/chat/completions"
        return Begun(process=process, url=url, headers=headers)

    def _models(self, place: Place) -> str:
        models = "".join(
            f"  {name}:\n    provider: openai\n    id: {name}\n    base_url: {place.upstream}\n"
            f"    price: {{input: 1, output: 2}}\n{self.of_models}"
            for name in place.models
        )
        return f"models:\n{models}"


def _new_key(place: Place) -> str:
    command = [sys.executable, "-m", "buttress", "keys", "create", "load"]
    told = subprocess.run(command, cwd=place.folder, check=True, capture_output=True, text=True)  # noqa: S603
    return told.stdout.strip()


MONEY = Project(files={"budgets.yaml": BUDGETS, "limits.yaml": LIMITS}, has_key=True)
"""All of money on: a key for each request, limits, two budgets."""


LITELLM = """\
model_list:
{models}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY}}
litellm_settings: {{drop_params: true, telemetry: false, require_auth_for_metrics_endpoint: false}}
"""


def _litellm(place: Place) -> Begun:
    models = "\n".join(
        f"  - model_name: {name}\n    litellm_params: {{model: openai/{name}, api_base: {place.upstream},"
        " api_key: sk-fake}"
        for name in place.models
    )
    (place.folder / "litellm.yaml").write_text(LITELLM.format(models=models))
    programs = PEERS / "litellm" / "bin"
    process = _start(
        [programs / "litellm", "--config", "litellm.yaml", "--host", "127.0.0.1", "--port", place.port],
        place,
        LITELLM_MASTER_KEY=KEY,
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        LITELLM_MODE="PRODUCTION",
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",  # noqa: TID251 - as above
    )
    return Begun(process=process, url=f"http://127.0.0.1:{place.port}/v1/chat/completions")


TENSORZERO = """
import asyncio, sys
from openai import AsyncOpenAI
from tensorzero import patch_openai_client
async def main():
    client = await patch_openai_client(AsyncOpenAI(api_key="x"), config_file="tz.toml", clickhouse_url=None)
    open("url", "w").write(str(client.base_url))
    await asyncio.sleep(86400)
asyncio.run(main())
"""


def _tensorzero(place: Place) -> Begun:
    models = "".join(
        f'[models."{name}"]\nrouting = ["up"]\n[models."{name}".providers.up]\ntype = "openai"\n'
        f'model_name = "{name}"\napi_base = "{place.upstream}/"\napi_key_location = "none"\n'
        for name in place.models
    )
    (place.folder / "tz.toml").write_text(f"[gateway]\nobservability.enabled = false\n{models}")
    (place.folder / "program.py").write_text(TENSORZERO)
    told = place.folder / "url"
    process = _start([PEERS / "tensorzero" / "bin" / "python", "-W", "ignore", "program.py"], place)
    until = time.perf_counter() + START_S
    while not (told.exists() and told.read_text()) and time.perf_counter() < until:
        time.sleep(0.1)
    return Begun(
        process=process,
        url=f"{told.read_text()}chat/completions",
        name_of=lambda name: f"tensorzero::model_name::{name}",
    )


_PORTKEY = PEERS / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def _portkey(place: Place) -> Begun:
    process = _start(["node", _PORTKEY, f"--port={place.port}", "--headless"], place)
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": place.upstream}
    url = f"http://127.0.0.1:{place.port}/v1/chat/completions"
    return Begun(process=process, url=url, headers=headers)


def _portkey_is_there() -> bool:
    """Say whether all is there that it needs; and tell what is not, where it was installed."""
    if not _PORTKEY.exists():
        return False
    missing = [program for program in ("node", "unshare", "ip") if shutil.which(program) is None]
    if missing:
        print(f"portkey needs {', '.join(missing)}", file=sys.stderr)
    return not missing


def _is_installed(name: str) -> Callable[[], bool]:
    return (PEERS / name / "bin" / "python").exists


CONTESTANTS = (
    Contestant(name="nobody", begin=_nobody, is_there=lambda: True),
    Contestant(name="buttress", begin=Project().begin, is_there=lambda: True),
    Contestant(name="buttress-full", begin=MONEY.begin, is_there=lambda: True),
    Contestant(name="litellm", begin=_litellm, is_there=_is_installed("litellm")),
    Contestant(name="tensorzero", begin=_tensorzero, is_there=_is_installed("tensorzero")),
    Contestant(name="portkey", begin=_portkey, is_there=_portkey_is_there, wants_loopback=True),
)


def fresh(folder: Path) -> Path:
    """Return `folder`, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
