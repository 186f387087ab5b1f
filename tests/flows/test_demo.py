"""The demo as a newcomer has it: the packaged model writes, is held to the documents, and quotes go on."""

from pathlib import Path

import msgspec
import pytest

from tests.flows.running import buttress, say
from tests.local_models import needs_model
from tests.projects import without_progress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class _Trace(msgspec.Struct):
    trace_id: str
    outcome: str
    answer: str = ""
    citations: list[dict[str, object]] = []
    attempts: list[dict[str, object]] = []
    cost_nanodollars: int | None = None


@needs_model
def test_the_demo_asks_the_packaged_model_and_shows_cited_words(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    done = buttress(tmp_path, "demo", "--dir", str(project), within_s=240)
    assert done.returncode == 0, done.stderr
    assert without_progress(done.stderr) == ""
    answer, _, below = done.stdout.partition("\nSources\n")
    assert "[1]" in answer
    assert "EUR 600" in answer
    assert "admin-guide.pdf, page 16" in below
    assert "No local model" not in done.stdout
    listed = msgspec.json.decode(buttress(project, "trace", "list", "--json").stdout, type=list[_Trace])
    shown = buttress(project, "trace", "show", listed[0].trace_id, "--json").stdout
    trace = msgspec.json.decode(shown, type=_Trace)
    say(f"{trace.attempts}")
    assert (trace.outcome, trace.attempts[0]["model"]) == ("answered", "small")
    assert {one["state"] for one in trace.citations} <= {"verbatim", "supported"}
    assert trace.cost_nanodollars == 0
