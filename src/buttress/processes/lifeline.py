"""How a child notices that its supervisor is gone: its stdin is a pipe that ends with the supervisor.

The system closes the pipe however the supervisor ended, also by `kill -9`; there is nothing to poll, and
no pid that may mean somebody else by now.
"""

import ctypes
import os
import signal
import stat
import sys
import threading

GRACE_S = 0.5
_LET_GO_S = 0.2
_PR_SET_PDEATHSIG = 1  # prctl(2)
EXIT_CODE = 70


def exit_when_parent_dies(grace_s: float = GRACE_S) -> bool:
    """End this process when its stdin ends: first as by SIGTERM, `grace_s` later whatever it is doing.

    Call it once, in the child. Nothing is watched, and False returned, when stdin is not a pipe: then the
    role was started by hand or by another kind of supervisor.
    """
    if is_pipe := _has_lifeline():
        parent = os.getppid()
        threading.Thread(target=_watch, args=(parent, grace_s), name="lifeline", daemon=True).start()
    return is_pipe


def die_with_parent() -> bool:
    """Let the system end this process when its parent ends, as by SIGTERM, also while Python cannot run.

    It adds to `exit_when_parent_dies`, which needs Python to run. On Linux, and when stdin is a pipe; else
    nothing is done, and False returned.
    """
    is_possible = sys.platform == "linux" and _has_lifeline()
    if is_possible:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return is_possible


def _has_lifeline() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(0).st_mode)
    except OSError:
        return False


def _watch(parent: int, grace_s: float) -> None:
    while os.read(0, 4096):
        pass  # nobody writes there; should somebody, it means nothing
    _let_parent_go(parent)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace_s)
    os._exit(EXIT_CODE)


def _let_parent_go(parent: int) -> None:
    """Wait until the parent holds nothing any more: its pipe may end some milliseconds before its locks.

    By then we have another parent. Else who holds PostgreSQL last would not know that it is the last.
    """
    for _ in range(round(_LET_GO_S / 0.005)):
        if os.getppid() != parent:
            return
        threading.Event().wait(0.005)
