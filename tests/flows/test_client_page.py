"""What docs/how-to/use-official-clients.md shows is run as it stands there, but for the address."""

import gc
import re
import runpy
from pathlib import Path

import pytest

from tests.flows.clients import Stage
from tests.flows.golden import Called, Turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-official-clients.md"
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


@pytest.mark.parametrize("heading", PLAYED)
def test_an_example_runs(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str], heading: str
) -> None:
    stage.play(*PLAYED[heading])
    script = tmp_path / "example.py"
    script.write_text(EXAMPLES[heading].replace("http://127.0.0.1:8700", stage.url), "utf-8")
    runpy.run_path(str(script))
    gc.collect()  # what an example left open fails this test, and not the next one
    assert capsys.readouterr().out in ("city='Rome' inhabitants=2750000\n", "It is mild.\n")
    assert len(stage.asked) == len(PLAYED[heading])
