"""A bucket as a source: what speaks as Amazon's S3 does (ListObjectsV2, GetObject), asked by our own hand."""

import hashlib
from collections.abc import Callable, Mapping
from itertools import islice
from urllib.parse import quote, unquote_plus

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import SourceMissing, TooLarge, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.declared import BucketPlace, bucket_place
from buttress.knowledge.sources.globs import Globs
from buttress.knowledge.sources.names import odd_name, shown
from buttress.knowledge.sources.pace import Pace, PoliteFetcher
from buttress.knowledge.sources.types import Content, Entry, Listing, Skipped
from buttress.knowledge.sources.xml_lists import Item, NotAList, read_items
from buttress.knowledge.types import BucketSource
from buttress.outbound.addresses import parse_address
from buttress.outbound.faults import TooMuch
from buttress.outbound.fetching import FETCH_FAULTS, Fetcher, Get, Got, why_failed
from buttress.outbound.sigv4 import EMPTY_SHA256, Keys, Signed, encoded_query, sign

MAX_ANSWER_BYTES = 16 << 20
_MAX_ITEMS = 10_000
"""Of one answer; Amazon's own give a thousand."""

_LISTED = ("Contents", "IsTruncated", "NextContinuationToken", "EncodingType")
_GONE = "NoSuchBucket"
_TOO_MANY = "Name a folder of it, or raise `sources.max_documents` in the section `knowledge`."
_NO_LIST = "Correct `endpoint` in the knowledge base's file: what answers there does not speak as S3 does."


class BucketParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a bucket is asked with."""

    fetcher: Fetcher
    clock: Clock
    resolve_secret: Callable[[str], str]
    settings: SourceSettings


class _Page(msgspec.Struct, frozen=True):
    """A part of the list, and the token for the next one; empty at the end."""

    items: tuple[Item, ...]
    is_encoded: bool
    token: str


class Bucket:
    """A `Source`: the objects of a bucket below a folder. Keys that are no paths are left out, and named."""

    def __init__(self, declared: BucketSource, parts: BucketParts) -> None:
        self._declared = declared
        self._parts = parts
        self._place = bucket_place(declared.bucket) or BucketPlace("", "")
        endpoint = declared.endpoint or f"https://s3.{declared.region}.amazonaws.com"
        self._endpoint = endpoint.rstrip("/")
        self._globs = Globs(declared.include, declared.exclude)
        self._fetcher = PoliteFetcher(parts.fetcher, Pace(parts.settings.requests_at_once, 0.0))

    async def list(self, known: Mapping[str, str]) -> Listing:  # noqa: ARG002 - the list says it of all
        """See `Source.list`. A list that ends half-way is none: what is missing in it is not gone."""
        found: dict[str, Entry | Skipped] = {}
        token, tokens = "", {""}
        while True:
            page = await self._page(token)
            for item in page.items:
                self._add(item, found, is_encoded=page.is_encoded)
            most = self._parts.settings.max_documents
            if len(found) > most:
                raise self._unreadable(f"it holds more than {most:,} documents")
            if len(tokens) > most:  # pages that name nothing new, one after another
                raise self._unreadable(f"its list has more than {most:,} pages")
            token = page.token
            if not token:
                break
            if token in tokens:
                raise self._unreadable("its list goes round in a circle", _NO_LIST)
            tokens.add(token)
        results = [found[path] for path in sorted(found)]
        return Listing(
            tuple(one for one in results if isinstance(one, Entry)),
            tuple(one for one in results if isinstance(one, Skipped)),
        )

    async def read(self, entry: Entry, max_bytes: int) -> Content:
        """See `Source.read`. What the list said of its size is not believed."""
        key = quote(self._place.prefix + entry.path, safe="/-_.~")
        try:
            got = await self._ask(f"/{key}", {}, max_bytes)
        except TooMuch as fault:
            raise TooLarge(f"{entry.path}: {why_failed(fault)}") from None
        except FETCH_FAULTS as fault:
            raise Unreadable(f"{entry.path} cannot be read: {why_failed(fault)}") from None
        if got.status != 200:
            code = _complaint(got)
            if code == _GONE:
                raise self._missing(code)
            raise Unreadable(f"{entry.path} cannot be read: {code}")
        is_same = _etag(got.headers.get("etag", "")) == entry.revision.rpartition("-")[0]
        return Content(got.body, hashlib.sha256(got.body).hexdigest(), entry.revision if is_same else "")

    async def _page(self, token: str) -> _Page:
        query = {"list-type": "2", "encoding-type": "url", "prefix": self._place.prefix}
        if token:
            query["continuation-token"] = token
        try:
            got = await self._ask("", query, MAX_ANSWER_BYTES)
        except FETCH_FAULTS as fault:
            raise self._missing(why_failed(fault)) from None
        if got.status != 200:
            raise self._missing(_complaint(got))
        try:
            return _page_of(got.body)
        except NotAList as error:
            raise self._unreadable(f"its list is none: {error}", _NO_LIST) from None

    def _add(self, item: Item, found: dict[str, Entry | Skipped], *, is_encoded: bool) -> None:
        key = item.parts.get("Key", "")
        key = unquote_plus(key, errors="surrogateescape") if is_encoded else key
        path = key.removeprefix(self._place.prefix)
        if key.endswith("/") or not key.startswith(self._place.prefix):
            return  # a folder's own mark; or not what was asked for
        if odd := odd_name(path):
            found[path] = Skipped(shown(path), odd)
        elif not (path.startswith(".") or "/." in path) and self._globs.accept(path):
            found[path] = _entry(path, item)

    async def _ask(self, path: str, query: Mapping[str, str], max_bytes: int) -> Got:
        target = f"/{self._place.bucket}{path}"
        url = self._endpoint + target + (f"?{encoded_query(query)}" if query else "")
        host = parse_address(url).origin.host_header
        headers = self._signed(Signed(host=host, path=target, query=query))
        wanted = Get(
            url=url,
            max_bytes=max_bytes,
            timeout_s=self._parts.settings.timeout_s,
            max_redirects=0,
            headers=headers,
        )
        return await self._fetcher.get(wanted)

    def _signed(self, request: Signed) -> dict[str, str]:
        declared, resolve = self._declared, self._parts.resolve_secret
        if not declared.access_key:
            return {}
        keys = Keys(
            access_key=resolve(declared.access_key).strip(),
            secret_key=resolve(declared.secret_key).strip(),
            session_token=resolve(declared.session_token).strip() if declared.session_token else "",
        )
        request = msgspec.structs.replace(request, headers={"x-amz-content-sha256": EMPTY_SHA256})
        return sign(request, keys, declared.region, "s3", self._parts.clock.now())

    def _missing(self, reason: str) -> ButtressError:
        return SourceMissing(
            f"the bucket {self._declared.bucket}: {reason}",
            hint="Correct `bucket`, `endpoint`, `region` or the keys in the knowledge base's file; for one "
            "of your own networks write `allow_private: true`.",
        )

    def _unreadable(self, reason: str, hint: str = _TOO_MANY) -> ButtressError:
        return Unreadable(f"the bucket {self._declared.bucket}: {reason}", hint=hint)


def _page_of(body: bytes) -> _Page:
    items = tuple(islice(read_items(body, _LISTED), _MAX_ITEMS + 1))
    if len(items) > _MAX_ITEMS:
        raise NotAList(f"it names more than {_MAX_ITEMS:,} objects at once")
    said = {item.kind: item.text for item in items if item.kind != "Contents"}
    token = said.get("NextContinuationToken", "") if said.get("IsTruncated") == "true" else ""
    if said.get("IsTruncated", "false") != "false" and not token:
        raise NotAList("it breaks off")
    if "IsTruncated" not in said:
        raise NotAList("it is not what ListObjectsV2 answers")
    contents = tuple(item for item in items if item.kind == "Contents")
    return _Page(contents, said.get("EncodingType") == "url", token)


def _entry(path: str, item: Item) -> Entry:
    size, etag = item.parts.get("Size", ""), _etag(item.parts.get("ETag", ""))
    is_size = size.isascii() and size.isdigit() and len(size) <= 18
    return Entry(
        path=path,
        revision=f"{etag}-{size}" if etag and is_size else "",
        size_bytes=int(size) if is_size else None,
    )


def _etag(text: str) -> str:
    """Return what names the bytes; nothing where it could not be kept."""
    etag = text.strip().strip('"')
    return etag if len(etag) <= 300 and etag.isascii() and etag.isprintable() else ""


def _complaint(got: Got) -> str:
    """Return what a service says is wrong: its code, or the status."""
    try:
        errors = list(read_items(got.body, ("Error",)))
    except NotAList:
        errors = []
    code = errors[0].parts.get("Code", "") if errors else ""
    plain = code if code.isascii() and code.isalnum() and len(code) <= 64 else ""
    return plain or f"the answer was {got.status}"
