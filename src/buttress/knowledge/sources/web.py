"""Pages of the web as a source: those that are declared one by one."""

from collections.abc import Mapping
from urllib.parse import urldefrag

from buttress.knowledge.sources.pages import Pages
from buttress.knowledge.sources.types import Content, Entry, Listing
from buttress.knowledge.types import UrlSource


class Web:
    """A `Source`: the declared pages. The path of each is its URL."""

    def __init__(self, declared: UrlSource, pages: Pages) -> None:
        self._urls = tuple(dict.fromkeys(urldefrag(url.strip()).url for url in declared.urls))
        self._pages = pages

    async def list(self, known: Mapping[str, str]) -> Listing:
        """See `Source.list`."""
        return await self._pages.look(self._urls, known)

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """See `Source.read`."""
        return await self._pages.read(entry, max_bytes)
