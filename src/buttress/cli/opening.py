"""From the command line's options to the settings, and to an open project."""

from pathlib import Path

import msgspec

from buttress.cli.failures import refuse_undecodable
from buttress.cli.main import Invocation
from buttress.cli.plain import are_colours_wanted
from buttress.settings.errors import ProjectMissing
from buttress.settings.loading import Loaded, find_project, load_settings
from buttress.tracing.logs import configure_logs
from buttress.tracing.settings import TracingSettings


def project_folder(invocation: Invocation) -> Path:
    """Return the project that `--project` names a folder of, or that this folder is in.

    Raises:
        ProjectMissing: there is none, or no such folder.
        CommandMisused: its path is not UTF-8.
    """
    if invocation.project and not invocation.project.is_dir():
        raise ProjectMissing(f"there is no folder {invocation.project}")
    found = find_project(invocation.project or Path.cwd())
    refuse_undecodable([str(found)])
    return found


def loaded_settings(invocation: Invocation) -> Loaded:
    """Load the settings; log lines go to standard error, as text and warnings only unless told otherwise."""
    loaded = load_settings(project_folder(invocation), flags=invocation.flags)
    quiet = TracingSettings(log_level="warning", log_format="text")
    keys = [str(rest[0]) for room, *rest in loaded.origins if room == "tracing"]
    chosen = {key: getattr(loaded.tree.tracing, key) for key in keys}
    configure_logs(msgspec.structs.replace(quiet, **chosen), colours=are_colours_wanted())
    return loaded
