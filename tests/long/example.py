"""The example with the packaged model first on its ladder: answers are really written while things break."""

import re
from pathlib import Path
from shutil import copytree

from tests.flows.running import buttress
from tests.local_models import write_models
from tests.projects import copy_example

PASSAGES = 2
"""Of a prompt that is soon read, on a machine that does much else meanwhile."""


def make_example(project: Path, settings: str) -> None:
    """Make it at `project`, ingested; beside `support` a feature `written` releases all that a model says."""
    copy_example(project)
    write_models(project)
    (project / "buttress.yaml").write_text(settings)
    support = project / "features" / "support" / "feature.yaml"
    few = re.sub("passages: [0-9]+", f"passages: {PASSAGES}", support.read_text())
    support.write_text(few)
    written = copytree(support.parent, project / "features" / "written") / "feature.yaml"
    marking = few.replace("    ladder: answers", "    unsupported: mark\n    ladder: answers")
    assert marking != few
    written.write_text(marking)
    done = buttress(project, "ingest")
    assert done.returncode == 0, done.stderr
