"""A local model behind HTTP: the adapter of xllamacpp, llama.cpp with its OpenAI-compatible server."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import msgspec

from buttress.models.errors import LocalModelBroken, LocalModelMissing

HOST = "127.0.0.1"
_QUIET = -1


class LocalRun(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a local model: `window_tokens` for each of `parallel` answers; `threads` 0 spares a core.

    Whoever asks it must know the `token`.
    """

    name: str
    path: Path
    window_tokens: int
    parallel: int
    threads: int
    token: str


class RunningServer(Protocol):
    """A server that answers from threads of its own until nobody holds it any more."""

    @property
    def listening_address(self) -> str:
        """Its URL, without a path."""
        ...


def require_runtime() -> None:
    """Return when local models can be run here; nothing is loaded.

    Raises:
        LocalModelMissing: xllamacpp is not installed.
    """
    if find_spec("xllamacpp") is None:
        raise LocalModelMissing(
            "the package `xllamacpp`, which runs local models, is not installed",
            hint="Run: pip install 'buttress[local]'",
        )


def start_local_server(run: LocalRun) -> RunningServer:
    """Load the model and serve it on a free port of this machine; it ends when the value is let go.

    Blocks until the model is loaded (0.6 s for 94 MB), and no other thread of Python runs meanwhile. The
    model's name is all that it says of itself: not the path, and nothing of what others asked.

    Raises:
        LocalModelMissing: xllamacpp is not installed.
        LocalModelBroken: it cannot run this file.
    """
    require_runtime()
    import xllamacpp  # noqa: PLC0415 - 100 MB, and not for who only asks

    params = xllamacpp.CommonParams()
    params.model.path = str(run.path)
    params.model_alias = {run.name}
    params.hostnames, params.port = [HOST], 0
    params.api_keys = [run.token]
    params.n_ctx, params.n_parallel = run.window_tokens * run.parallel, run.parallel
    # Threads wait for each other by spinning: with one for every core, any other load slows it to a tenth.
    threads = run.threads or max(1, (os.cpu_count() or 1) - 1)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0  # else up to 8 GB of prompts are kept
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = params.ui = False
    params.offline, params.verbosity = True, _QUIET
    try:
        server: RunningServer = xllamacpp.Server(params)
    except RuntimeError as error:
        raise LocalModelBroken(
            f"the local model {run.name} cannot be loaded: its file is damaged or of an unknown kind, "
            f"or there is no room for {run.parallel} x {run.window_tokens:,} tokens"
        ) from error
    return server
