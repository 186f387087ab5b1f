"""models.yaml: what it says, and every mistake with its line and without its secrets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import KEPT_HERE, Catalogue, DataPolicy, Model, Price, plain_ladder
from buttress.models.declaration import read_catalogue

PATH = Path("models.yaml")
PROVIDERS = {"openai", "anthropic", "gemini", "longtail", "local", "extractive"}
SECRET = "sk-abcdefghijklmnop"

WHOLE = """\
models:
  quotes: {provider: extractive}
  small:
    provider: openai
    id: gpt-4o-mini
    base_url: https://api.example.com/v1/
    key: env:OPENAI_API_KEY
    window_tokens: 128000
    max_output_tokens: 1024
    price: {input: 0.15, output: 0.60}
ladders:
  answers: [small, quotes]
"""


def test_a_whole_file() -> None:
    assert read_catalogue(WHOLE, PATH, PROVIDERS) == Catalogue(
        {
            "quotes": Model(
                name="quotes", provider="extractive", price=Price(input=0.0, output=0.0), policy=KEPT_HERE
            ),
            "small": Model(
                name="small",
                provider="openai",
                id="gpt-4o-mini",
                base_url="https://api.example.com/v1",
                key="env:OPENAI_API_KEY",
                window_tokens=128_000,
                max_output_tokens=1_024,
                price=Price(input=0.15, output=0.6),
            ),
        },
        {"answers": plain_ladder("small", "quotes")},
    )


def test_models_without_ladders_will_do() -> None:
    catalogue = read_catalogue("models: {quotes: {provider: extractive}}", PATH, PROVIDERS)
    assert isinstance(catalogue, Catalogue)
    assert [model.name for model in catalogue.rungs("quotes")] == ["quotes"]


def test_a_model_may_be_backed() -> None:
    text = "models: {small: {provider: local, backed: true}, large: {provider: local}}"
    read = read_catalogue(text, PATH, PROVIDERS)
    assert isinstance(read, Catalogue)
    assert [read.models[name].backed for name in ("small", "large")] == [True, False]


def test_what_the_sdk_of_another_is_told() -> None:
    text = "models: {a: {provider: longtail, id: 'bedrock:x:0', options: {region_name: eu-west-1, tries: 2}}}"
    catalogue = read_catalogue(text, PATH, PROVIDERS)
    assert isinstance(catalogue, Catalogue)
    assert catalogue.models["a"].options == (("region_name", "eu-west-1"), ("tries", 2))
    assert isinstance(hash(catalogue.models["a"]), int)  # providers are kept by their model


def test_a_local_model_costs_nothing_and_keeps_memory_for_a_window_that_it_can_have() -> None:
    entry = "{provider: local, path: models/mine.gguf}"
    text = f"models: {{small: {entry}, same: {entry}}}"
    catalogue = read_catalogue(text, PATH, PROVIDERS)
    assert isinstance(catalogue, Catalogue)
    assert catalogue.models["small"] == Model(
        name="small",
        provider="local",
        path="models/mine.gguf",
        window_tokens=4_096,
        price=Price(input=0.0, output=0.0),
        policy=KEPT_HERE,
    )


@pytest.mark.parametrize(
    ("entry", "policy"),
    [
        pytest.param(
            "openai, policy: {region: eu, retention_days: 30, training: false}",
            DataPolicy(region="eu", retention_days=30, training=False),
            id="all of it",
        ),
        pytest.param("openai, policy: {training: true}", DataPolicy(training=True), id="the rest is unknown"),
        pytest.param("openai", DataPolicy(), id="all is unknown"),
        pytest.param("openai, policy: {}", DataPolicy(), id="an empty one says nothing"),
        pytest.param("extractive", KEPT_HERE, id="what runs here keeps nothing"),
        pytest.param(
            "local, policy: {region: eu}",
            DataPolicy(region="eu", retention_days=0, training=False),
            id="what runs here, with the region said",
        ),
    ],
)
def test_what_is_known_of_what_becomes_of_the_data(entry: str, policy: DataPolicy) -> None:
    reached = ", id: x, base_url: 'http://127.0.0.1:9'" if entry.startswith("openai") else ""
    read = read_catalogue(f"models: {{a: {{provider: {entry}{reached}}}}}", PATH, PROVIDERS)
    assert isinstance(read, Catalogue)
    assert read.models["a"].policy == policy


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        pytest.param(
            "{retention_days: -1}",
            "policy.retention_days: expected at least 0",
            id="days below 0",
        ),
        pytest.param("{retention_days: 36501}", "policy.retention_days", id="more than a century"),
        pytest.param(
            "{retention_days: never}", "policy.retention_days: expected", id="days that are no number"
        ),
        pytest.param("{training: maybe}", "policy.training: expected", id="neither yes nor no"),
        pytest.param("{region: ''}", "policy.region", id="an empty region"),
        pytest.param("{region: The EU}", "policy: the region is no word", id="a region that is no word"),
        pytest.param("{region: [eu, us]}", "policy.region: expected a text", id="several regions"),
        pytest.param("{retention: 3}", "unknown key `retention`", id="an unknown key"),
        pytest.param("eu", "policy: expected keys with values", id="a text"),
    ],
)
def test_a_mistake_in_a_data_policy_names_its_line(policy: str, part: str) -> None:
    text = f"models:\n  a:\n    provider: extractive\n    policy: {policy}\n"
    mistakes = read_catalogue(text, PATH, PROVIDERS)
    assert isinstance(mistakes, list)
    assert [(one.where.line, part in one.message) for one in mistakes] == [(4, True)], mistakes


@pytest.mark.parametrize(
    ("models", "part"),
    [
        pytest.param(
            "{a: {provider: local}, b: {provider: local, path: b.gguf}}",
            "models.b.path: not that of `a`; a project runs one local model",
            id="two files",
        ),
        pytest.param(
            "{a: {provider: local}, b: {provider: local, window_tokens: 2048}}",
            "models.b.window_tokens: not that of `a`",
            id="two windows of one file",
        ),
        pytest.param(
            "{a: {provider: extractive, path: a.gguf}}",
            "models.a.path: the provider `extractive` runs no file",
            id="a file that nobody runs",
        ),
        pytest.param("{a: {provider: anthropic, id: x}}", "models.a.key: the provider", id="no key"),
        pytest.param("{a: {provider: anthropic, key: env:K}}", "models.a.id: the provider", id="no id"),
        pytest.param("{a: {provider: gemini, id: x}}", "models.a.key: the provider", id="no key for Gemini"),
        pytest.param(
            "{a: {provider: longtail, id: mistral-small}}",
            "models.a.id: it names no provider before its first colon",
            id="whose model nobody says",
        ),
        pytest.param(
            "{a: {provider: longtail, id: 'bedrock:x', options: {aws_secret_access_key: abc}}}",
            "models.a.options: `aws_secret_access_key` is a secret by its name",
            id="a secret among the options",
        ),
        pytest.param(
            "{a: {provider: extractive, options: {region: eu}}}",
            "models.a.options: the provider `extractive` takes none",
            id="options that nobody takes",
        ),
    ],
)
def test_what_a_provider_does_not_take(models: str, part: str) -> None:
    mistakes = read_catalogue(f"models: {models}", PATH, PROVIDERS)
    assert isinstance(mistakes, list)
    assert [part in one.message for one in mistakes] == [True]


@pytest.mark.parametrize(
    ("before", "after", "line", "part"),
    [
        pytest.param(
            "provider: extractive", "provider: extractiv", 2, "Did you mean `extract", id="provider"
        ),
        pytest.param("provider: openai", "provider: zzz", 4, "longtail, openai", id="unknown provider"),
        pytest.param("    id: gpt-4o-mini\n", "", 3, "small.id: the provider", id="no id"),
        pytest.param(
            "    base_url: https://api.example.com/v1/\n", "", 3, "small.base_url", id="no base_url"
        ),
        pytest.param("env:OPENAI_API_KEY", SECRET, 7, "not a reference", id="the key itself"),
        pytest.param("env:OPENAI_API_KEY", "'env:'", 7, "not a reference", id="a reference to nothing"),
        pytest.param("env:OPENAI_API_KEY", "12345", 7, "expected a text", id="a key that is a number"),
        pytest.param("https://", "ftp://", 6, "begins with http", id="another scheme"),
        pytest.param(
            "https://api", "https://me:hunter2@api", 6, "user or password", id="a password in a URL"
        ),
        pytest.param("api.example.com", "", 6, "no host", id="no host"),
        pytest.param("example.com", "example.com:99999", 6, "this is no URL", id="no port"),
        pytest.param("https://api", "https://[api", 6, "this is no URL", id="an open bracket"),
        pytest.param("/v1/", "/v1?key=x", 6, "no `?`", id="a query in a base URL"),
        pytest.param("[small, quotes]", "[smal, quotes]", 12, "Did you mean `small`?", id="unknown rung"),
        pytest.param("[small, quotes]", "[answers]", 12, "no model is called `answers`", id="its own name"),
        pytest.param("[small, quotes]", "[small, small]", 12, "twice", id="a model twice"),
        pytest.param("[small, quotes]", "[]", 12, "no model", id="an empty ladder"),
        pytest.param("[small, quotes]", "small", 12, "expected a list", id="a ladder that is a text"),
        pytest.param("[small, quotes]", "[5]", 12, "expected a text", id="a rung that is a number"),
        pytest.param("answers:", "small:", 12, "is a model, too", id="a name for both"),
        pytest.param("0.15", "-0.15", 10, "at least 0", id="a negative price"),
        pytest.param("128000", "-1", 8, "at least 1", id="a negative window"),
        pytest.param("1024", "128000", 9, "128,000 tokens of answer", id="an answer as large as the window"),
        pytest.param(
            "128000\n    max_output_tokens: 1024", "1000", 3, "1,024 tokens of answer", id="by default, too"
        ),
        pytest.param("id:", "idd:", 5, "Did you mean `id`?", id="an unknown key of a model"),
        pytest.param("output: 0.60", "outputt: 0.60", 10, "Did you mean `output`?", id="of a price"),
        pytest.param("ladders:", "lader:", 11, "Did you mean `ladders`?", id="of the file"),
        pytest.param("quotes:", "quo tes:", 2, "is no name", id="a name with a blank"),
        pytest.param(
            "  quotes: {provider: extractive}", "  quotes:", 2, "expected keys with values", id="nothing"
        ),
        pytest.param(WHOLE, "", 1, "`models` is missing", id="an empty file"),
        pytest.param(WHOLE, "- a", 1, "expected keys with values", id="a list"),
        pytest.param("provider: openai", "provider: [", 6, "YAML", id="no YAML"),
    ],
)
def test_a_mistake_names_its_line(before: str, after: str, line: int, part: str) -> None:
    assert before in WHOLE
    mistakes = read_catalogue(WHOLE.replace(before, after), PATH, PROVIDERS)
    assert isinstance(mistakes, list)
    assert any(one.where.line == line and part in str(one) for one in mistakes), [
        str(one) for one in mistakes
    ]


def test_all_mistakes_are_told_at_once() -> None:
    text = WHOLE.replace("0.15", "-1").replace("extractive", "zzz").replace("[small", "[smal")
    mistakes = read_catalogue(text, PATH, PROVIDERS)
    assert isinstance(mistakes, list)
    assert [one.where.line for one in mistakes] == [2, 10, 12]


@pytest.mark.parametrize(
    "where", ["key: ", "key: [", "key: {a: ", "key:\n  - ", "base_url: https://u:", "key: *"]
)
def test_no_mistake_shows_a_secret(where: str) -> None:
    text = f"models:\n  small:\n    provider: openai\n    {where}{SECRET}\n"
    mistakes = read_catalogue(text, PATH, PROVIDERS)
    assert isinstance(mistakes, list)
    assert mistakes
    assert "abcdefgh" not in "".join(str(one) for one in mistakes)


@given(st.data())
def test_a_damaged_file_gives_a_catalogue_or_mistakes(data: st.DataObject) -> None:
    lines = WHOLE.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index : index + 1] = data.draw(
        st.lists(st.text(alphabet="ab :-[]{}'\"&*!#,\n\t0", max_size=8), max_size=2)
    )
    result = read_catalogue("\n".join(lines), PATH, PROVIDERS)
    assert isinstance(result, Catalogue) or result


EMBEDDERS = """\
models:
  east: {provider: embeddings, id: small, base_url: "http://east/v1"}
  west: {provider: embeddings, id: small, base_url: "http://west/v1"}
  large: {provider: embeddings, id: large, base_url: "http://east/v1"}
  quotes: {provider: extractive}
ladders:
  vectors: RUNGS
"""


@pytest.mark.parametrize(
    ("rungs", "told"),
    [
        pytest.param("[east, west]", [], id="one model on two servers"),
        pytest.param("[[east, west]]", [], id="on one rung"),
        pytest.param("[large]", [], id="a model alone"),
        pytest.param("[east, large]", ["`small`, `large` are different"], id="two models"),
        pytest.param("[{west: 1, large: 2}]", ["`small`, `large` are different"], id="two by weights"),
        pytest.param("{rungs: [large, quotes, east]}", ["`large`, `small` are different"], id="with another"),
    ],
)
def test_vectors_of_two_models_never_mix(rungs: str, told: list[str]) -> None:
    read = read_catalogue(EMBEDDERS.replace("RUNGS", rungs), PATH, PROVIDERS | {"embeddings"})
    mistakes = read if isinstance(read, list) else []
    assert [one.where.line for one in mistakes] == [7] * len(told)
    for mistake, part in zip(mistakes, told, strict=True):
        assert part in mistake.message
        assert "do not compare" in mistake.message
