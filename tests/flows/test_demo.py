"""The demo as a newcomer has it: the packaged model writes, is held to the documents, and quotes go on."""

from pathlib import Path

import msgspec
import pytest

from buttress.cli.demo import FEATURE
from buttress.settings.loading import load_settings
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
    """The second time reads nothing again, and leaves changes alone."""
    project = tmp_path / "demo"
    done = buttress(tmp_path, "demo", "--dir", str(project), within_s=240)
    assert done.returncode == 0, done.stderr
    assert without_progress(done.stderr) == ""
    next_steps = done.stdout.partition("\nNext:\n")[2].splitlines()[::2]
    assert [line.split()[-1] for line in next_steps] == ["list", "serve", "my-project"]
    assert load_settings(project, environment={}).tree.server.drills
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
    _again(project)


def _again(project: Path) -> None:
    feature = project / "features" / FEATURE / "feature.yaml"
    feature.write_text(feature.read_text() + "\n# mine\n")
    second = buttress(project, "demo", "--dir", str(project), "what is a \x1b[31mblackout date\udcff")
    assert second.returncode == 2
    assert "not UTF-8" in second.stderr
    third = buttress(project, "demo", "--dir", str(project), "Who are you\x1b[31m?")
    assert third.returncode == 0, third.stderr
    assert "unchanged; 0 chunks read, 0 embedded" in third.stdout
    assert "\x1b" not in third.stdout
    assert feature.read_text().endswith("# mine\n")
