"""Breaking things for real, for somebody who watches what their users would see."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from buttress.app.layout import run_folder
from buttress.app.local_model import LOCAL_MODEL
from buttress.models.providers.scripted import TAG
from buttress.processes.identity import is_alive
from buttress.processes.status import read_said
from buttress.spend.budgets import Budget


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


def budget_to_spend(budgets: Iterable[Budget]) -> str:
    """Return the name of the budget that is there to be spent by a drill; empty where there is none.

    It is about calls under that drill only, and has one account.
    """
    where = {f"tag.{TAG}": "spend"}
    return next((one.name for one in budgets if one.where == where and one.hard and not one.per), "")
