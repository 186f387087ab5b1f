"""What how-to pages show of official clients is run as it stands there, but for the address."""

import gc
import re
import runpy
from pathlib import Path

import pytest

from tests.flows.clients import Stage
from tests.flows.golden import Called, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGE = HOW_TO / "use-official-clients.md"
ROME = '{"city":"Rome","inhabitants":2750000}'
WEATHER = Turn(calls=(Called("weather", '{"city":"Paris"}'),))
SAID = Turn(text="It is mild.")
PLAYED = {
    "OpenAI's client": (Turn(text=ROME),),
    "Anthropic's client": (WEATHER, SAID),
    "pydantic-ai": (WEATHER, SAID),
    "instructor": (Turn(calls=(Called("Place", ROME),)),),
}
EXAMPLES = dict(
    re.findall(r"^## (.*?)\n\n```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
)


def test_every_example_is_played() -> None:
    assert EXAMPLES.keys() == PLAYED.keys()


def run(example: str, folder: Path, stage: Stage) -> None:
    """Run an example before the stage."""
    script = folder / "example.py"
    script.write_text(example.replace("http://127.0.0.1:8700", stage.url), "utf-8")
    runpy.run_path(str(script))
    gc.collect()  # what an example left open fails this test, and not the next one


@pytest.mark.parametrize("heading", PLAYED)
def test_an_example_runs(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str], heading: str
) -> None:
    stage.play(*PLAYED[heading])
    run(EXAMPLES[heading], tmp_path, stage)
    assert capsys.readouterr().out in ("city='Rome' inhabitants=2750000\n", "It is mild.\n")
    assert len(stage.asked) == len(PLAYED[heading])


def test_what_is_asked_once_is_asked_once(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (HOW_TO / "ask-once.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    stage.play(Turn(text="Two bicycles."))
    for _ in range(2):
        run(example, tmp_path, stage)
    assert capsys.readouterr().out == "Two bicycles.\n" * 2
    assert len(stage.asked) == 1
