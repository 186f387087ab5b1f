"""The packaged language model, for tests that really run it."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import Message, ModelRequest
from buttress.models.local_file import PACKAGE
from buttress.models.ports import LocalServer
from buttress.models.providers.http import HttpParts
from buttress.models.providers.local import Gate, LocalParts, LocalProvider
from buttress.outbound.sessions import Sessions
from buttress.settings.loading import Loaded, load_settings

needs_model = pytest.mark.skipif(
    find_spec(PACKAGE) is None or find_spec("xllamacpp") is None,
    reason="the packaged language model is not installed: make setup",
)
SMALL = Model(name="small", provider="local", window_tokens=2_048)
LONG = "Write a very long story about a lighthouse keeper, with many chapters."


def write_models(project: Path, path: str = "") -> None:
    """Write a models.yaml whose ladder is the local model, then quotes."""
    (project / "buttress.yaml").touch()  # makes it a project
    entry = f"{{provider: local, window_tokens: 2048, path: '{path}'}}"
    ladders = "ladders: {answers: [small, quotes]}"
    (project / "models.yaml").write_text(
        f"models:\n  small: {entry}\n  quotes: {{provider: extractive}}\n{ladders}\n"
    )


def load_project(project: Path, *flags: str) -> Loaded:
    """Return the settings of a project of which nothing is told by the environment."""
    return load_settings(project, environment={}, flags=["models.local.threads=1", *flags])


def provider_of(loaded: Loaded, server: LocalServer, sessions: Sessions) -> tuple[LocalProvider, Gate]:
    """Return the provider of the model at `server`, and its gate."""
    settings = loaded.tree.models
    http = HttpParts(sessions=sessions, settings=settings, resolve_secret=str, clock=SystemClock())
    gate = Gate(settings.local)
    return LocalProvider(SMALL, LocalParts(server=server, gate=gate), http), gate


def ask(question: str = "Say hello.", max_tokens: int = 16) -> ModelRequest:
    """Return a request of one message."""
    return ModelRequest(messages=(Message("user", question),), max_tokens=max_tokens)
