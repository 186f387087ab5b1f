"""What can go wrong with processes."""

from buttress.kernel.errors import ButtressError


class SupervisorRunning(ButtressError):
    """Another supervisor looks after this project already."""

    code = "processes.already_running"
    hint = "Use the one that runs, or stop it first (Ctrl-C there, or `kill PID`)."


class RunFolderUnusable(ButtressError):
    """The folder where processes say how they are cannot be written."""

    code = "processes.folder_unusable"
    hint = "Give this user the right to write there, or start as the user to whom it belongs."
