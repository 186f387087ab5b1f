"""What can go wrong with settings, as a user sees it."""

from collections.abc import Sequence

from buttress.kernel.errors import ButtressError, Mistake
from buttress.kernel.wording import counted


class SettingsInvalid(ButtressError):
    """At least one setting is unknown or has a wrong value. Nothing was started."""

    code = "settings.invalid"
    hint = "Correct what is named; then this prints each setting with its unit: buttress config show"

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        lines = "\n".join(str(mistake) for mistake in mistakes)
        super().__init__(f"{counted(len(mistakes), 'mistake')} in the settings\n{lines}")
        self.mistakes = tuple(mistakes)


class SecretMissing(ButtressError):
    """A reference to a secret leads nowhere."""

    code = "settings.secret_missing"
    hint = "Set the environment variable or write the file that is referred to; buttress doctor names it."


class ProjectMissing(ButtressError):
    """The folder is not a Buttress project."""

    code = "settings.project_missing"
    hint = "Make one: buttress init DIR; or name one: --project DIR"
