"""`buttress models`: what there is, what becomes of one call to each, and what is put into the file."""

import asyncio
import json
from pathlib import Path

import pytest

from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.cli.conftest import Ran, Run

SECRET = "sk-do-not-tell-anybody"

POLICY = "region eu, kept 30 days, not trained with"

MODELS = """\
models:
  quotes: {{provider: extractive}}
  writer:
    provider: openai
    id: gpt-4o-mini
    base_url: {url}
    key: file:key
    window_tokens: 128000
    price: {{input: 1.0, output: 2.0, cache_read: 0.1}}
    policy: {{region: eu, retention_days: 30, training: false}}
  other: {{provider: openai, id: other-model, base_url: "{url}"}}
ladders:
  answers: [writer, quotes]
  again: [[writer, other]]
  spread: {{rungs: [{{writer: 3, other: 1}}, quotes], hedge_after_ms: 800}}
"""


def write_project(folder: Path, url: str = "http://127.0.0.1:9/v1") -> None:
    """Write a project that has models and nothing else."""
    (folder / "buttress.yaml").write_text("")
    (folder / "models.yaml").write_text(MODELS.format(url=url))
    (folder / "key").write_text(SECRET)


def answered(run: Run, folder: Path, reply: Reply, *arguments: str) -> tuple[Ran, ScriptedUpstream]:
    """Run `buttress models test` against an upstream that says `reply`, however often it is asked."""

    async def once() -> tuple[Ran, ScriptedUpstream]:
        async with ScriptedUpstream([reply]) as upstream:
            write_project(folder, upstream.url)
            ran = await asyncio.to_thread(run, "--project", folder, "models", "test", *arguments)
            return ran, upstream

    return asyncio.run(once())


class TestList:
    """What there is."""

    def test_each_model_says_what_is_known_of_it_and_what_is_not(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        ran = run("--project", tmp_path, "models", "list")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.splitlines() == [
            "quotes  extractive",
            "    window 8,192 tokens, answers of 1,024 at most",
            "    free (runs here)",
            "    region here, not kept, not trained with",
            "    ladders: answers, spread",
            "writer  openai gpt-4o-mini",
            "    window 128,000 tokens, answers of 1,024 at most",
            "    $1 in, $2 out, $0.1 read from a cache per million tokens (models.yaml)",
            f"    {POLICY}",
            "    ladders: answers, again, spread",
            "other  openai other-model",
            "    window 8,192 tokens, answers of 1,024 at most",
            "    price unknown: models.yaml does not say it",
            "    region unknown, retention unknown, training unknown",
            "    ladders: again, spread",
            "ladder answers  writer, then quotes",
            "ladder again  writer or other",
            "ladder spread  writer (75%) or other (25%), then quotes; the next one, too, after 800 ms",
        ]

    def test_json_is_one_array_without_keys(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        ran = run("--project", tmp_path, "models", "list", "--json")
        quotes, writer, other = json.loads(ran.out)
        assert quotes["policy"] == {"region": "here", "retention_days": 0, "training": False}
        assert writer["price"]["input"] == 1.0
        assert [one["price_source"] for one in (quotes, writer, other)] == ["runs here", "models.yaml", None]
        assert (other["price"], other["policy"]["training"]) == (None, None)
        assert other["ladders"] == ["again", "spread"]
        assert "key" not in writer

    def test_no_models(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "buttress.yaml").write_text("")
        assert run("--project", tmp_path, "models", "list").err.startswith("No models yet")
        assert run("--project", tmp_path, "models", "test").err.startswith("No models yet")
        assert json.loads(run("--project", tmp_path, "models", "list", "--json").out) == []

    def test_a_mistake_in_the_file_names_its_line(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "buttress.yaml").write_text("")
        (tmp_path / "models.yaml").write_text("models:\n  a: {provider: opnai}\n")
        ran = run("--project", tmp_path, "models", "list")
        assert (ran.code, "models.yaml:2" in ran.err) == (2, True)


class TestTest:
    """One real call to each."""

    def test_says_before_what_it_costs_and_then_what_it_took(self, run: Run, tmp_path: Path) -> None:
        ran, upstream = answered(run, tmp_path, Reply())
        assert ran.code == 0
        notice, *progress = ran.err.splitlines()
        assert notice == (
            "note: 2 real calls, 16 tokens of answer at most; costs money: writer; "
            "may cost money, price unknown: other"
        )
        assert progress[1] == "asking writer (2 of 3) ..."
        quotes, writer, other = ran.out.splitlines()
        assert quotes.startswith("quotes  not asked")
        assert writer.startswith("writer  ok  first token ")
        assert writer.endswith(" · tokens 7 in, 3 out · cost $0.000013")
        assert other.endswith(" · tokens 7 in, 3 out · cost unknown")
        assert [one.body["max_tokens"] for one in upstream.received] == [16, 16]
        assert upstream.received[0].headers["Authorization"] == f"Bearer {SECRET}"

    def test_json_has_every_figure(self, run: Run, tmp_path: Path) -> None:
        ran, _ = answered(run, tmp_path, Reply(), "writer", "--json")
        (writer,) = json.loads(ran.out)
        assert (writer["model"], writer["outcome"], writer["cost_nanodollars"]) == ("writer", "ok", 13_000)
        assert 0 < writer["first_token_ms"] <= writer["duration_ms"]
        assert writer["usage"]["input"] == 7

    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            pytest.param(Reply(status=401), "models.refused_key", id="a wrong key"),
            pytest.param(Reply(status=500), "models.unavailable", id="a server that fails"),
            pytest.param(Reply(status=429, retry_after="1"), "models.rate_limited", id="a limit"),
            pytest.param(Reply(ending="cut", after=1), "models.stream_cut", id="a stream that breaks off"),
            pytest.param(
                Reply(status=401, message=f"no such key: {SECRET}"),
                "models.refused_key",
                id="a server that says the key",
            ),
        ],
    )
    def test_a_model_that_fails_is_asked_once_and_says_why(
        self, run: Run, tmp_path: Path, reply: Reply, code: str
    ) -> None:
        ran, upstream = answered(run, tmp_path, reply, "writer")
        assert ran.code == 1
        assert f"writer  {code}  first token" in ran.out
        assert "    hint: " in ran.out
        assert len(upstream.received) == 1
        assert SECRET not in ran.out + ran.err

    def test_a_key_that_is_missing(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        (tmp_path / "key").unlink()
        ran = run("--project", tmp_path, "models", "test", "writer")
        assert (ran.code, "Traceback" in ran.err) == (1, False)
        assert ran.out.startswith("writer  settings.secret_missing  first token none")

    def test_what_quotes_is_free_and_not_asked(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        ran = run("--project", tmp_path, "models", "test", "quotes")
        assert (ran.code, ran.out) == (0, "quotes  not asked: it quotes documents, and calls nobody\n")
        assert ran.err.startswith("note: 0 real calls, 16 tokens of answer at most; free\n")

    def test_one_that_fails_keeps_no_other_from_being_asked(self, run: Run, tmp_path: Path) -> None:
        async def once() -> Ran:
            script = [Reply(status=400), Reply()]
            async with ScriptedUpstream(script) as upstream:
                write_project(tmp_path, upstream.url)
                return await asyncio.to_thread(
                    run, "--project", tmp_path, "models", "test", "again", "--json"
                )

        ran = asyncio.run(once())
        assert [one["outcome"] for one in json.loads(ran.out)] == ["failed", "ok"]
        assert ran.code == 1

    def test_a_name_that_is_none(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        ran = run("--project", tmp_path, "models", "test", "writr")
        assert (ran.code, ran.out) == (2, "")
        assert "Did you mean `writer`?" in ran.err

    def test_a_broken_feature_is_no_matter(self, run: Run, tmp_path: Path) -> None:
        feature = tmp_path / "features" / "broken"
        feature.mkdir(parents=True)
        (feature / "feature.yaml").write_text("nonsense: 1\n")
        ran, _ = answered(run, tmp_path, Reply(), "other")
        assert (ran.code, ran.out.startswith("other  ok")) == (0, True)


class TestAdd:
    """A new one in the file."""

    ADDED = ("--provider", "openai", "--id", "new-1", "--base-url", "http://127.0.0.1:9/v1")

    def test_the_entry_stands_in_the_file_and_the_rest_is_as_it_was(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        path = tmp_path / "models.yaml"
        path.chmod(0o640)
        before = path.read_text()
        arguments = (*self.ADDED, "--key", "env:NEW_KEY", "--window-tokens", "9000")
        ran = run("--project", tmp_path, "models", "add", "new", *arguments, "--ladder", "answers", "--first")
        assert (ran.code, ran.err) == (0, "")
        assert "buttress models test new" in ran.out
        entry = (
            "  new:\n    provider: openai\n    id: new-1\n    base_url: http://127.0.0.1:9/v1\n"
            "    key: env:NEW_KEY\n    window_tokens: 9000\n"
        )
        expected = before.replace("ladders:", f"{entry}ladders:").replace("[writer, q", "[new, writer, q")
        assert path.read_text() == expected
        assert path.stat().st_mode & 0o777 == 0o640
        assert sorted(one.name for one in tmp_path.iterdir()) == ["buttress.yaml", "key", "models.yaml"]
        assert "answers" in run("--project", tmp_path, "models", "list").out

    def test_all_that_is_known_of_a_model_may_be_told(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        ran = run(
            *("--project", tmp_path, "models", "add", "big", "--provider", "longtail", "--id", "bedrock:big"),
            *("--max-output-tokens", "500", "--price", "0.15", "0.0000125"),
            *("--region", "eu", "--retention-days", "0", "--no-training"),
            *("--option", "region_name=eu-west-1", "--option", "tries=2"),
        )
        assert (ran.code, ran.err) == (0, "")
        entry = (
            "  big:\n    provider: longtail\n    id: bedrock:big\n    max_output_tokens: 500\n"
            "    price: {input: 0.15, output: 0.0000125}\n"
            "    policy: {region: eu, retention_days: 0, training: false}\n"
            "    options: {region_name: eu-west-1, tries: 2}\n"
        )
        assert entry in (tmp_path / "models.yaml").read_text()

    def test_a_dry_run_prints_the_difference_and_changes_nothing(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        before = (tmp_path / "models.yaml").read_bytes()
        ran = run(
            *("--project", tmp_path, "models", "add", "new"),
            *(*self.ADDED, "--ladder", "answers", "--dry-run"),
        )
        changed = [line for line in ran.out.splitlines()[2:] if line[0] in "+-"]
        assert changed == [
            "+  new:",
            "+    provider: openai",
            "+    id: new-1",
            "+    base_url: http://127.0.0.1:9/v1",
            "-  answers: [writer, quotes]",
            "+  answers: [writer, quotes, new]",
        ]
        assert (tmp_path / "models.yaml").read_bytes() == before

    def test_the_first_model_makes_the_file(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "buttress.yaml").write_text("")
        ran = run("--project", tmp_path, "models", "add", "quotes", "--provider", "extractive")
        assert ran.code == 0
        assert (tmp_path / "models.yaml").read_text() == "models:\n  quotes:\n    provider: extractive\n"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            pytest.param(["writer", *ADDED], "`writer` already", id="a name that exists"),
            pytest.param(["new", *ADDED, "--ladder", "nope"], "There are: answers", id="no such ladder"),
            pytest.param(["new", *ADDED, "--first"], "--ladder", id="first of what"),
            pytest.param(["new", *ADDED, "--key", SECRET], "not a reference", id="the key itself"),
            pytest.param(["new", "--provider", "opnai"], "Did you mean `openai`?", id="no such provider"),
            pytest.param(["new", "--provider", "openai"], "models.new.base_url", id="too little"),
            pytest.param(
                ["new", "--provider", "openai"], "Add `id:` to the model `new`. Add `base_", id="both"
            ),
            pytest.param(
                ["new", "--provider", "bedrock"], "others are reached by `longtail`", id="of others"
            ),
            pytest.param(
                ["new", "--provider", "longtail", "--id", "a:b", "--option", f"api_key={SECRET}"],
                "`api_key` is a secret",
                id="the key as an option",
            ),
            pytest.param(
                ["new", "--provider", "longtail", "--id", "a:b", "--option", "eu"],
                "NAME=VALUE",
                id="half a word",
            ),
            pytest.param(["support", *ADDED], "a feature is called `support`", id="the name of a feature"),
            pytest.param(["n w", *ADDED], "is no name", id="no name"),
        ],
    )
    def test_what_is_wrong_is_refused_and_changes_nothing(
        self, run: Run, tmp_path: Path, arguments: list[str], said: str
    ) -> None:
        write_project(tmp_path)
        (tmp_path / "features" / "support").mkdir(parents=True)
        before = (tmp_path / "models.yaml").read_bytes()
        ran = run("--project", tmp_path, "models", "add", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
        assert SECRET not in ran.err
        assert (tmp_path / "models.yaml").read_bytes() == before
