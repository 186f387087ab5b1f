"""The database of a project: the one that its settings name, or its own."""

from contextlib import AbstractAsyncContextManager

import msgspec

from buttress.app.layout import make_kept_folder
from buttress.kernel.clock import Clock
from buttress.settings.loading import Loaded
from buttress.settings.secrets import resolve_secret
from buttress.storage.database import Database, open_database


def project_database(loaded: Loaded, clock: Clock) -> AbstractAsyncContextManager[Database]:
    """Open the project's database for a block; raises what `open_database` does, and `SecretMissing`."""
    storage = loaded.tree.storage
    url = resolve_secret(storage.database_url, project=loaded.project)
    if not url:
        make_kept_folder(loaded.project)
    return open_database(msgspec.structs.replace(storage, database_url=url), loaded.project, clock)
