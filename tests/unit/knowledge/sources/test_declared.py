"""What is odd about declared sources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.sources.declared import BucketPlace, GitPlace, bucket_place, git_place, oddities
from buttress.knowledge.types import (
    BucketSource,
    DeclaredSource,
    FileSource,
    FolderSource,
    GitSource,
    SitemapSource,
    UrlSource,
)

ALL = ("*",)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def odd(source: DeclaredSource) -> list[str]:
    """Return what is odd, as `key: message`; each has a hint."""
    found = list(oddities(source))
    assert all(one.hint for one in found)
    return [f"{one.key}: {one.message}" for one in found]


@pytest.mark.parametrize(
    ("git", "place"),
    [
        ("https://git.example/x.git", GitPlace("https", "git.example", 443)),
        ("http://git.example:3000/x", GitPlace("http", "git.example", 3000)),
        ("ssh://git@git.example:2222/x", GitPlace("ssh", "git.example", 2222)),
        ("git@git.example:team/x.git", GitPlace("ssh", "git.example", 22)),
        ("../handbook", GitPlace("file")),
        ("a folder/with blanks", GitPlace("file")),
    ],
)
def test_ways_to_a_repository(git: str, place: GitPlace) -> None:
    assert git_place(git) == place
    assert odd(GitSource(git=git, readers=ALL)) == []


@pytest.mark.parametrize(
    "git",
    [
        "--upload-pack=touch pwned",
        "-x",
        "ext::sh -c touch% pwned",
        "ext::https://a.example",
        "file:///etc",
        "git://a.example/x",
        "ftp://a.example/x",
        "https://me@a.example/x",
        "https://me:word@a.example/x",
        "https:///x",
        "ssh://-oProxyCommand=x/y",
        "ssh://git@-x/y",
        "ssh://a.example/-x",
        "ssh://a'b.example/x",
        "ssh://git:word@a.example/x",
        "ssh://a.example:22;x/y",
        "a\nb",
    ],
)
def test_what_is_no_way_to_one(git: str) -> None:
    assert git_place(git) is None
    assert odd(GitSource(git=git, readers=ALL)) == ["git: no repository that is read"]


@given(st.text(alphabet="ab-@:/'$(); .%\\\n", max_size=20))
def test_what_reaches_the_shell_of_ssh_is_a_plain_name(text: str) -> None:
    """The one place where a shell sees a part of it."""
    for git in (text, f"ssh://{text}/x", f"{text}:x"):
        place = git_place(git)
        if place and place.transport == "ssh":
            assert set(place.host) <= set("ab-.")
            assert not place.host.startswith("-")


@pytest.mark.parametrize("revision", ["HEAD", "main", "v1.0", "feature/x-1", "refs/tags/1", COMMIT, "202601"])
def test_revisions_that_can_be_asked_for(revision: str) -> None:
    assert odd(GitSource(git="x", revision=revision, readers=ALL)) == []


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "--upload-pack=x",
        "-x",
        "main..other",
        "main:refs/x",
        "+main",
        "a b",
        "main^",
        "HEAD~1",
        "a@{1}",
        "x.lock",
        "a//b",
    ],
)
def test_revisions_that_cannot(revision: str) -> None:
    (one,) = odd(GitSource(git="x", revision=revision, readers=ALL))
    assert one.startswith("revision: ")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(FolderSource(folder="-x", readers=ALL), [], id="a folder may be called anything"),
        pytest.param(FileSource(file="../x", readers=ALL), [], id="a file may be anywhere"),
        pytest.param(
            GitSource(git="x", folder="../up", readers=ALL),
            ["folder: no folder of a repository"],
            id="a folder out of it",
        ),
        pytest.param(GitSource(git="x", folder="docs/en/", readers=ALL), [], id="a folder in it"),
        pytest.param(
            GitSource(git="https://a.example/x", token="ghp_secret", readers=ALL),
            ["token: a secret stands in the file"],
            id="a token itself",
        ),
        pytest.param(
            GitSource(git="http://a.example/x", token="env:T", readers=ALL),
            ["token: a token is only sent over https"],
            id="a token for everybody on the way",
        ),
        pytest.param(UrlSource(url="https://a.example/x?y", readers=ALL), [], id="a page"),
        pytest.param(
            UrlSource(url="a.example", readers=ALL),
            ["url: not an absolute http(s) URL without a user"],
            id="no URL",
        ),
        pytest.param(
            UrlSource(url=("https://a.example", "file:///etc/passwd"), readers=ALL),
            ["url: not an absolute http(s) URL without a user"],
            id="a file among pages",
        ),
        pytest.param(
            SitemapSource(sitemap="https://me:word@a.example/", readers=ALL),
            ["sitemap: not an absolute http(s) URL without a user"],
            id="a password",
        ),
        pytest.param(
            BucketSource(bucket="s3://shelf/docs/", access_key="env:A", secret_key="file:S", readers=ALL),
            [],
            id="a bucket",
        ),
        pytest.param(
            BucketSource(bucket="shelf", region="Europa!", endpoint="https://a.example/x", readers=ALL),
            ["bucket: no name of a bucket", "endpoint: it has a path", "region: no region"],
            id="three at once",
        ),
        pytest.param(
            BucketSource(bucket="s3://shelf", access_key="env:A", readers=ALL),
            ["bucket: `secret_key` is missing"],
            id="half of a key",
        ),
        pytest.param(
            BucketSource(bucket="s3://shelf", access_key="env:A", secret_key="word", readers=ALL),
            ["secret_key: a secret stands in the file"],
            id="a key itself",
        ),
    ],
)
def test_what_is_odd_is_named(source: DeclaredSource, expected: list[str]) -> None:
    found = odd(source)
    assert found == expected
    assert "word" not in str(found)


@pytest.mark.parametrize(
    ("bucket", "place"),
    [
        ("s3://shelf", BucketPlace("shelf", "")),
        ("s3://shelf/", BucketPlace("shelf", "")),
        ("s3://shelf/docs", BucketPlace("shelf", "docs/")),
        ("s3://shelf/docs/en/", BucketPlace("shelf", "docs/en/")),
        ("s3://", None),
        ("s3://a?b", None),
        ("https://shelf", None),
    ],
)
def test_a_bucket_and_its_folder(bucket: str, place: BucketPlace | None) -> None:
    assert bucket_place(bucket) == place
