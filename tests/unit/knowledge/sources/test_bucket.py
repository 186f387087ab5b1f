"""A bucket as a source."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from buttress.kernel.errors import ButtressError
from buttress.knowledge.errors import SourceMissing, TooLarge, Unreadable
from buttress.knowledge.settings import SourceSettings
from buttress.knowledge.sources.opening import Adapter, SourceParts, open_source
from buttress.knowledge.sources.types import Entry
from buttress.knowledge.types import BucketSource
from buttress.outbound.sigv4 import EMPTY_SHA256, Keys, Signed, sign
from buttress.settings.errors import SecretMissing
from buttress.testing.clock import ManualClock
from buttress.testing.contracts.source import SourceContract
from tests.unit.knowledge.sources.local import DOCUMENTS
from tests.unit.knowledge.sources.servers import (
    Answer,
    Asked,
    Server,
    ServerHolding,
    Shelf,
    error,
    listed,
    serving,
)

MAX = 1 << 20
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HASHED = {"x-amz-content-sha256": EMPTY_SHA256}
SECRETS = {"env:A": "access", "env:S": "word\n", "file:T": "spoken"}


def resolve(reference: str) -> str:
    if reference not in SECRETS:
        raise SecretMissing(f"{reference} leads to nothing")
    return SECRETS[reference]


def opened(
    server: Server,
    folder: Path,
    bucket: str = "s3://shelf",
    *,
    keys: tuple[str, str, str] = ("", "", ""),
    most: int = 100,
) -> AbstractAsyncContextManager[Adapter]:
    declared = BucketSource(
        bucket=bucket,
        endpoint=server.url,
        readers=("*",),
        allow_private=True,
        access_key=keys[0],
        secret_key=keys[1],
        session_token=keys[2],
    )
    parts = SourceParts(
        project=folder,
        kept=folder / "kept",
        clock=ManualClock(NOW),
        max_file_bytes=MAX,
        resolve_secret=resolve,
        settings=SourceSettings(max_documents=most),
    )
    return open_source(declared, parts)


class TestContract(SourceContract):
    """What every source promises."""

    @pytest.fixture
    async def holding(self, tmp_path: Path) -> AsyncIterator[ServerHolding]:
        shelf = Shelf({f"docs/{path}": data for path, data in DOCUMENTS.items()} | {"other/x.md": b"x"})
        async with serving(shelf) as server, opened(server, tmp_path, "s3://shelf/docs") as source:
            yield ServerHolding(shelf.objects, source, "", server.close)


async def test_odd_keys_are_asked_as_they_are_or_left_out(tmp_path: Path) -> None:
    """Marks of folders and hidden names are passed over."""
    good = {"a b+c&d=é%41.md": b"1", "x~(y)!*'.md": b"2"}
    odd_keys = ("../up.md", "a//b.md", "line\nbreak.md", "/root.md", "folder/", ".git/x")
    odd = dict.fromkeys(odd_keys, b"")
    async with serving(Shelf(good | odd)) as server, opened(server, tmp_path) as source:
        listing = await source.list({})
        assert {one.path: (await source.read(one, MAX)).data for one in listing.entries} == good
    assert {one.path: one.reason for one in listing.skipped} == {
        "../up.md": "has a name that is no path",
        "a//b.md": "has a name that is no path",
        "/root.md": "has a name that is no path",
        "line\\nbreak.md": "has a name with characters that nobody sees",
    }


class TestKeys:
    """Signed where there are keys; never shown."""

    async def test_requests_are_signed_as_the_service_checks_them(self, tmp_path: Path) -> None:
        keys = ("env:A", "env:S", "file:T")
        async with serving(Shelf({"a b.md": b"x"})) as server, opened(server, tmp_path, keys=keys) as source:
            (entry,) = (await source.list({})).entries
            await source.read(entry, MAX)
            host = server.url.removeprefix("http://")
        signing = Keys(access_key="access", secret_key="word", session_token="spoken")
        for asked, path, query in zip(
            server.asked,
            ("/shelf", "/shelf/a%20b.md"),
            ({"list-type": "2", "encoding-type": "url", "prefix": ""}, {}),
            strict=True,
        ):
            assert asked.target.partition("?")[0] == path
            request = Signed(host=host, path=path, query=query, headers=HASHED)
            expected = sign(request, signing, "us-east-1", "s3", NOW)
            assert {name: asked.headers[name.lower()] for name in expected} == expected
            assert "word" not in str(asked)

    async def test_without_keys_it_is_asked_as_anybody_may(self, tmp_path: Path) -> None:
        async with serving(Shelf(DOCUMENTS)) as server, opened(server, tmp_path) as source:
            await source.list({})
        assert not any("authorization" in asked.headers for asked in server.asked)

    async def test_a_key_that_leads_to_nothing_is_the_source_out_of_reach(self, tmp_path: Path) -> None:
        """Other sources are not held up."""
        keys = ("env:A", "env:NONE", "")
        async with serving(Shelf(DOCUMENTS)) as server, opened(server, tmp_path, keys=keys) as source:
            with pytest.raises(SourceMissing, match="env:NONE leads to nothing"):
                await source.list({})
        assert server.asked == []


ROW = "<Contents><Key>a.md</Key><ETag>&quot;1&quot;</ETag><Size>{}</Size></Contents>"


class TestLies:
    """What a bucket says is not believed."""

    @pytest.mark.parametrize("said", ["3", "0", "99999999999999999999999", "-1", "many"])
    async def test_a_size_is_found_out_by_reading(self, tmp_path: Path, said: str) -> None:
        def answer(asked: Asked) -> Answer:
            if "list-type" in asked.target:
                return listed(f"<IsTruncated>false</IsTruncated>{ROW.format(said)}")
            return Answer(200, {"ETag": '"1"'}, b"x" * 5_000)

        async with serving(answer) as server, opened(server, tmp_path) as source:
            (entry,) = (await source.list({})).entries
            assert len((await source.read(entry, 5_000)).data) == 5_000
            with pytest.raises(TooLarge):
                await source.read(entry, 4_999)

    async def test_what_is_another_than_was_listed_has_no_revision(self, tmp_path: Path) -> None:
        """It was changed between the list and the reading: next time it is read again."""

        def answer(asked: Asked) -> Answer:
            if "list-type" in asked.target:
                return listed(f"<IsTruncated>false</IsTruncated>{ROW.format(1)}")
            return Answer(200, {"ETag": '"2"'}, b"x")

        async with serving(answer) as server, opened(server, tmp_path) as source:
            (entry,) = (await source.list({})).entries
            assert entry.revision == "1-1"
            assert (await source.read(entry, MAX)).revision == ""

    @pytest.mark.parametrize(
        ("inner", "reason"),
        [
            pytest.param(
                "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
                "in a circle",
                id="the same part again and again",
            ),
            pytest.param("<IsTruncated>true</IsTruncated>", "breaks off", id="more, and no way to it"),
            pytest.param(ROW.format(1), "is not what", id="it is not said whether that is all"),
            pytest.param("<IsTruncated>false</IsTruncated><Contents>", "mismatched", id="half of it"),
            pytest.param("<Contents/>" * 10_001, "more than 10,000", id="very many at once"),
        ],
    )
    async def test_half_a_list_is_none(self, tmp_path: Path, inner: str, reason: str) -> None:
        """What is missing in it is not gone."""
        async with serving(lambda _: listed(inner)) as server, opened(server, tmp_path) as source:
            with pytest.raises(Unreadable, match=reason) as failed:
                await source.list({})
        assert "does not speak as S3 does" in failed.value.hint

    async def test_a_list_that_breaks_off_at_a_later_part_is_none(self, tmp_path: Path) -> None:
        shelf = Shelf(DOCUMENTS)

        def answer(asked: Asked) -> Answer:
            return error(503, "SlowDown") if "continuation-token" in asked.target else shelf(asked)

        async with serving(answer) as server, opened(server, tmp_path) as source:
            with pytest.raises(SourceMissing, match="SlowDown"):
                await source.list({})

    async def test_a_list_without_end_ends(self, tmp_path: Path) -> None:
        """Each part leads to another one, and names nothing."""
        tokens = count()

        def answer(_: Asked) -> Answer:
            token = f"<NextContinuationToken>{next(tokens)}</NextContinuationToken>"
            return listed(f"<IsTruncated>true</IsTruncated>{token}")

        async with serving(answer) as server, opened(server, tmp_path, most=5) as source:
            with pytest.raises(Unreadable, match="more than 5 pages"):
                await source.list({})

    async def test_more_documents_than_may_be_are_an_error_not_some(self, tmp_path: Path) -> None:
        shelf = Shelf({f"{n}.md": b"x" for n in range(11)})
        async with serving(shelf) as server, opened(server, tmp_path, most=10) as source:
            with pytest.raises(Unreadable, match="more than 10 documents"):
                await source.list({})


class TestRefusals:
    """What a service refuses, in its own word."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            pytest.param(error(404, "NoSuchBucket"), "NoSuchBucket", id="no bucket"),
            pytest.param(error(403, "AccessDenied"), "AccessDenied", id="no key, or not this one"),
            pytest.param(error(403, "<b>x\n"), "the answer was 403", id="no word at all"),
            pytest.param(Answer(302, {"Location": "http://169.254.169.254/"}), "302", id="a redirect"),
            pytest.param(Answer(500, {}, b"oh"), "the answer was 500", id="no XML"),
        ],
    )
    async def test_a_refused_list_names_why(self, tmp_path: Path, answer: Answer, reason: str) -> None:
        async with serving(lambda _: answer) as server, opened(server, tmp_path) as source:
            with pytest.raises(SourceMissing, match=reason) as caught:
                await source.list({})
        assert "\n" not in caught.value.message

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            pytest.param(error(404, "NoSuchBucket"), SourceMissing, id="the bucket is gone"),
            pytest.param(error(404, "NoSuchKey"), Unreadable, id="it is gone"),
            pytest.param(error(403, "InvalidObjectState"), Unreadable, id="it is in an archive"),
        ],
    )
    async def test_an_object_that_is_refused_names_why(
        self, tmp_path: Path, answer: Answer, kind: type[ButtressError]
    ) -> None:
        async with serving(lambda _: answer) as server, opened(server, tmp_path) as source:
            with pytest.raises(kind):
                await source.read(Entry(path="a.md", revision="1-1"), MAX)

    async def test_own_networks_are_refused_unless_allowed(self, tmp_path: Path) -> None:
        async with serving(Shelf(DOCUMENTS)) as server:
            declared = BucketSource(bucket="s3://shelf", endpoint=server.url, readers=("*",))
            parts = SourceParts(project=tmp_path, kept=tmp_path, clock=ManualClock(NOW), max_file_bytes=MAX)
            async with open_source(declared, parts) as source:
                with pytest.raises(SourceMissing, match=r"leads to 127\.0\.0\.1"):
                    await source.list({})
        assert server.asked == []
