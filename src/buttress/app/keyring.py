"""The keys of a project as one process has them: read, kept on this machine, and followed.

A process begins with what this machine kept when it last read the keys, so that calls go on when the database
is away at a start, too. Where nothing was kept, nothing is known until the database was read.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from pathlib import Path

import msgspec
import structlog

from buttress.access.ring import Ring
from buttress.access.secret_file import checked_secret, made_secret, read_secret
from buttress.access.store import CHANNEL, KeyStore
from buttress.access.types import Key
from buttress.app.again import again_and_again
from buttress.app.layout import kept_keys_file, key_secret_file, make_kept_folder
from buttress.kernel.errors import UNDECODABLE, ButtressError
from buttress.processes.announcing import replace_file
from buttress.settings.secrets import resolve_secret
from buttress.storage.database import OpenDatabase

READ_EVERY_S = 10.0
"""How often all keys are read although nobody said that one was changed."""

TELL_EVERY_S = 60.0
"""How often the database is told which keys were used."""

TRY_AGAIN_S = 1.0
"""How long the database is left alone that could not be asked."""

_log = structlog.get_logger("buttress.app.keyring")


class Keyring:
    """The keys of `project`. `secret` is the setting `access.key_secret`."""

    def __init__(self, project: Path, secret: str, database: OpenDatabase) -> None:
        self._project = project
        self._reference = secret
        self._database = database
        self._changed, self._was_read = asyncio.Event(), asyncio.Event()
        self._kept = b""
        self._hashed_with: bytes | None = None
        self.ring = Ring()

    async def store(self) -> KeyStore:
        """Return where the keys are; raises what opening the database does."""
        return KeyStore(await self._database())

    def made_secret(self) -> bytes:
        """Return what keys are hashed with, made with the first of them.

        Raises:
            KeySecretUnusable, SecretMissing: it cannot be had.
        """
        if self._reference:
            return self._named_secret()
        make_kept_folder(self._project)
        return made_secret(key_secret_file(self._project))

    def recall(self) -> None:
        """Go by the keys that this machine kept.

        Where they cannot be read, or only a secret is there, which is made with the first key, there are
        keys: nobody is let in without one until the database was read.
        """
        try:
            kept = kept_keys_file(self._project).read_bytes()
            keys = msgspec.json.decode(kept, type=list[Key])
            self._hashed_with = self._secret()
            self.ring.adopt(keys, self._hashed_with)
        except FileNotFoundError:
            if self._reference or key_secret_file(self._project).exists():
                self.ring.expect()
        except (OSError, ButtressError, *UNDECODABLE) as error:
            self.ring.expect()
            _log.warning("keys.not_recalled", reason=str(error))

    async def follow(self) -> None:
        """Keep the ring as the database has it, a change at most a second late, until cancelled.

        While the database is away, it stays as it is.
        """
        async with asyncio.TaskGroup() as group:
            for work in (self._listen, self._read_on, self._tell_on):
                group.create_task(again_and_again(work, TRY_AGAIN_S, _say_not_followed))

    async def is_read_within(self, seconds: float) -> bool:
        """Wait until the keys are known, at most so long; say whether they are."""
        if not self.ring.is_read:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._was_read.wait()
        return self.ring.is_read

    async def read(self) -> None:
        """Read the keys now.

        Raises:
            ButtressError: the database cannot be asked, and the ring stays; or the secret is not to be had,
                and the ring goes by the last one: what was revoked is over all the same.
        """
        keys = await (await self.store()).all()
        try:
            self._hashed_with = await asyncio.to_thread(self._secret)
        finally:
            self.ring.adopt(keys, self._hashed_with)
        self._was_read.set()
        await asyncio.to_thread(self._keep, keys)

    async def _listen(self) -> None:
        async with aclosing((await self._database()).listen([CHANNEL])) as notices:
            async for _ in notices:
                self._changed.set()

    async def _read_on(self) -> None:
        while True:
            self._changed.clear()
            await self.read()
            try:
                async with asyncio.timeout(READ_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def tell(self) -> None:
        """Tell the database which keys were used since the last time.

        Raises:
            ButtressError: the database cannot be asked; these uses are forgotten.
        """
        if used := self.ring.take_used():
            await (await self.store()).used(used)

    async def _tell_on(self) -> None:
        await asyncio.sleep(TELL_EVERY_S)
        await self.tell()

    def _keep(self, keys: Sequence[Key]) -> None:
        """Keep the keys on this machine, for the next start; a disk that is full is no reason to stop."""
        kept = msgspec.json.encode([msgspec.structs.replace(key, last_used_at=None) for key in keys])
        if kept == self._kept:
            return
        try:
            replace_file(kept_keys_file(self._project), kept)
        except ButtressError as error:
            _log.warning("keys.not_kept", reason=error.message)
        else:
            self._kept = kept

    def _secret(self) -> bytes | None:
        return self._named_secret() if self._reference else read_secret(key_secret_file(self._project))

    def _named_secret(self) -> bytes:
        return checked_secret(resolve_secret(self._reference, project=self._project), self._reference)


def _say_not_followed(reason: str) -> None:
    _log.warning("keys.not_followed", reason=reason)
