"""What can go wrong with releases."""

from buttress.kernel.errors import ButtressError


class ReleaseUnknown(ButtressError):
    """No release of that id was ever kept here."""

    code = "releases.unknown"
    hint = "List what there is: buttress releases"


class ReleaseUnreadable(ButtressError):
    """A kept release is not what its id says: it was changed, or another version of Buttress wrote it."""

    code = "releases.unreadable"
    hint = "Compile the feature again from its files, and deploy that release."


class RuleUnloadable(ButtressError):
    """The Python file of a rule is not the one the release was compiled from, or does not load."""

    code = "releases.rule_unloadable"
    hint = "Mend the file and compile the feature again, or check out the version the release was made from."
