"""Breaking things for real, for somebody who watches what their users would see."""

import os
import signal
from pathlib import Path

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL
from buttress.processes.identity import is_alive
from buttress.processes.status import read_said


def kill_local_model(project: Path) -> int | None:
    """Kill the process of the project's local model at once; return its pid, None when none runs.

    Only the very process that announced itself is killed, never a later one of its pid.
    """
    said = read_said(run_folder(project), LOCAL_MODEL)
    if said is None or not is_alive(said.pid, said.process):
        return None
    try:
        os.kill(said.pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return said.pid
