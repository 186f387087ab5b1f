"""A feature: compiled, or every mistake in it with file and line. One tiny project on disk a mistake."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.gateway.compiling.feature import compile_feature
from buttress.kernel.catalogue import Catalogue, plain_ladder
from buttress.kernel.usage import NanoDollars
from buttress.releases.types import (
    CostTarget,
    FallbackPassages,
    FallbackText,
    FunctionRule,
    GenerateStage,
    LatencyBudget,
    RegexRule,
    Release,
    RetrieveStage,
    RulesStage,
    TableRule,
)

WriteFeature = Callable[..., Path]
Files = dict[str, str]
KNOWLEDGE = {"handbook"}

CAN_NEVER_RUN = "can never run"


def compiled(folder: Path, catalogue: Catalogue) -> Release:
    """Compile what is known to be right."""
    release = compile_feature(folder, catalogue, KNOWLEDGE)
    assert isinstance(release, Release), [str(one) for one in release]
    return release


def test_a_feature_becomes_a_release(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    release = compiled(write_feature(feature_files), catalogue)
    assert (release.feature, release.description) == ("support", "Answers questions about Kestrel.")
    rules, find, write = release.stages
    assert isinstance(rules, RulesStage)
    regex, table, function = rules.rules
    assert isinstance(regex, RegexRule)
    assert isinstance(function, FunctionRule)
    assert table == TableRule(
        "faq.csv", {"what is kestrel": "A booking service.", "what is that": "A booking service."}
    )
    assert (function.file, function.function) == ("rules.py", "shipping_cost")
    assert find == RetrieveStage(name="find", knowledge="handbook", limit=6)
    assert write == GenerateStage(name="write", prompt="answer.md", ladder="answers", max_tokens=400)
    assert isinstance(write, GenerateStage)
    assert [model.name for model in release.models_of(write)] == ["small", "quotes"]
    assert set(release.models) == {"small", "quotes"}
    assert release.fallback == FallbackPassages("I do not know.", 3)
    assert set(release.files) == {"answer.md", "faq.csv", "rules.py"}


SMALLEST = """\
stages:
- {name: say, kind: rules, rules: [{regex: hi, answer: Hi.}]}
fallback: {kind: text, text: No.}
"""


def test_the_smallest_feature_has_one_rule_and_a_fallback(
    write_feature: WriteFeature, catalogue: Catalogue
) -> None:
    release = compiled(write_feature({"feature.yaml": SMALLEST}), catalogue)
    assert release.fallback == FallbackText("No.")
    assert not release.models
    assert not release.ladders
    assert not release.prompts
    assert "question" in str(release.input_schema)


def test_a_generate_stage_without_a_prompt_has_the_default_one(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    feature_files["feature.yaml"] = feature_files["feature.yaml"].replace("    prompt: answer.md\n", "")
    release = compiled(write_feature(feature_files), catalogue)
    stage = release.stages[-1]
    assert isinstance(stage, GenerateStage)
    assert "{{ passages }}" in release.prompts[stage.prompt]
    assert stage.max_tokens == 1_024  # the least of the ladder's models


def test_what_the_stage_says_goes_before_what_the_prompt_says(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    feature_files["feature.yaml"] += "\n"
    feature_files["feature.yaml"] = feature_files["feature.yaml"].replace(
        "ladder: answers", "ladder: small\n    max_tokens: 50\n    temperature: 0"
    )
    feature_files["answer.md"] = feature_files["answer.md"].replace("max_tokens: 400", "temperature: 1.5")
    release = compiled(write_feature(feature_files), catalogue)
    stage = release.stages[-1]
    assert isinstance(stage, GenerateStage)
    assert (stage.max_tokens, stage.temperature) == (50, 0.0)
    assert release.ladders == {"small": plain_ladder("small")}


FIND = "  - name: find\n    kind: retrieve\n    knowledge: handbook\n    passages: 6\n"
WRITE = "  - name: write\n    kind: generate\n    prompt: answer.md\n    ladder: answers\n"
MORE = "  - {name: more, kind: rules, rules: [{regex: hi, answer: Hi.}]}\n"
ALL = '"(?i)opening hours of (?P<shop>\\\\w+)"\n        answer: "{{ shop }} opens'
LAST = "function: rules.py:shipping_cost"
YAML, MD, CSV, PY = "feature.yaml", "answer.md", "faq.csv", "rules.py"


@pytest.mark.parametrize(
    ("file", "before", "after", "where", "part"),
    [
        # variables
        pytest.param(
            MD, "{{ question }}", "{{ qestion }}", (MD, 13), "Did you mean `question`?", id="variable"
        ),
        pytest.param(
            MD, "{{ tone }}", "{{ zzz }}", (MD, 5), "question, tone, passages", id="unknown variable"
        ),
        pytest.param(YAML, FIND, "", (MD, 8), "no passages were retrieved", id="passages without retrieve"),
        pytest.param(MD, "p.text", "p.txt", (MD, 10), "Did you mean `text`?", id="attribute of a passage"),
        pytest.param(
            MD, "{{ question }}", "{{ question.__class__ }}", (MD, 13), "underscore", id="Python's own"
        ),
        pytest.param(
            MD,
            "{% for p in passages %}\n[{{ p.number }}] {{ p.place }}\n{{ p.text }}\n{% endfor %}",
            "",
            (YAML, 22),
            "no `passages`",
            id="passages that are not used",
        ),
        pytest.param(
            YAML,
            "required: [question]",
            "required: [qestion]\n  additionalProperties: false",
            (YAML, 7),
            "Did you mean `question`?",
            id="required, but not declared",
        ),
        pytest.param(CSV, "A booking", '"A booking', (CSV, 2), "a quote opens here", id="an open quote"),
        pytest.param(MD, "p.text", "p['body']", (MD, 10), "a passage has no `body`", id="by its key"),
        pytest.param(MD, "{{ p.text }}", "{{ passages.text }}", (MD, 10), "is a list", id="of all of them"),
        pytest.param(
            YAML, "    question: {", "    questions: {", (MD, 13), "questions`?", id="renamed input"
        ),
        pytest.param(
            YAML, "    tone:", "    passages:", (YAML, 6), "property `passages`", id="the name is taken"
        ),
        pytest.param(
            YAML,
            "passages: 6",
            "query: '{{ topic }}'",
            (YAML, 19),
            "called `topic`",
            id="variable of a query",
        ),
        pytest.param(
            YAML,
            "passages: 6",
            "query: '{{ passages }}'",
            (YAML, 19),
            "no passages were",
            id="query of itself",
        ),
        pytest.param(
            YAML, "passages: 6", "query: '{{ a'", (YAML, 19), "end of print", id="query, open braces"
        ),
        pytest.param(
            YAML, "kind: rules\n", "kind: rules\n    match: '{{ q }}'\n", (YAML, 11), "`q`", id="match"
        ),
        # names
        pytest.param(
            YAML, "ladder: answers", "ladder: answer", (YAML, 23), "Did you mean `answers", id="ladder"
        ),
        pytest.param(
            YAML, "ladder: answers", "ladder: zzzzz", (YAML, 23), "models.yaml has: ans", id="model"
        ),
        pytest.param(
            YAML, "handbook", "handbok", (YAML, 18), "Did you mean `handbook`?", id="knowledge base"
        ),
        # fallback
        pytest.param(
            YAML, "fallback:\n  kind: passages\n  text:", "x:", (YAML, 1), "no fallback", id="fallback"
        ),
        pytest.param(YAML, "  kind: passages", "  kind: passage", (YAML, 25), "Did you mean", id="its kind"),
        pytest.param(YAML, "  kind: passages\n", "", (YAML, 24), "of kind `None`", id="no kind of fallback"),
        pytest.param(YAML, '"I do not know."', '""', (YAML, 26), "found nothing", id="an empty fallback"),
        pytest.param(
            YAML, '"I do not know."', "x\n  passages: 99", (YAML, 27), "at most 20", id="too many quotes"
        ),
        pytest.param(YAML, FIND, "", (YAML, 21), "no stage retrieves any", id="quotes without retrieve"),
        # schemas
        pytest.param(
            YAML, "type: object", "type: objekt", (YAML, 3), "Did you mean `object`?", id="schema type"
        ),
        pytest.param(
            YAML, "type: object", "type: array", (YAML, 3), "must be an object", id="input of a list"
        ),
        pytest.param(YAML, "  type: object\n", "", (YAML, 2), "must be an object", id="input without type"),
        pytest.param(YAML, "maxLength", "maxLenght", (YAML, 5), "Write `maxLength`", id="a keyword nearly"),
        pytest.param(YAML, "4000", "-4", (YAML, 5), "question.maxLength", id="a negative length"),
        pytest.param(
            YAML, "enum: [kind, short]", "$ref: 'http://x/y'", (YAML, 6), "leads out", id="remote ref"
        ),
        pytest.param(
            YAML, "enum: [kind, short]", "$ref: other.json", (YAML, 6), "leads out", id="ref to a file"
        ),
        pytest.param(
            YAML, "enum: [kind, short]", "$ref: '#/no'", (YAML, 2), "not a JSON Schema", id="ref to no"
        ),
        pytest.param(
            YAML, "enum: [kind, short]", "pattern: '('", (YAML, 6), "regex", id="pattern of a schema"
        ),
        pytest.param(
            YAML, "type: object", "$schema: 'x:y'\n  type: object", (YAML, 3), "draft", id="other draft"
        ),
        pytest.param(
            YAML, "stages:", "output: {type: object}\nstages:", (YAML, 8), "not built yet", id="output"
        ),
        pytest.param(
            YAML, "stages:", "output: o.json\nstages:", (YAML, 8), "not built yet", id="output in a file"
        ),
        # stages
        pytest.param(
            YAML, "passages: 6\n", "passages: 6\n" + MORE, (YAML, 20), "Move this stage up", id="late"
        ),
        pytest.param(YAML, WRITE, WRITE + MORE, (YAML, 24), CAN_NEVER_RUN, id="behind generate"),
        pytest.param(YAML, WRITE, WRITE + WRITE, (YAML, 24), CAN_NEVER_RUN, id="a second generate"),
        pytest.param(YAML, FIND, FIND + FIND, (YAML, 20), "a second stage of `kind", id="a second retrieve"),
        pytest.param(YAML, "name: write", "name: find", (YAML, 20), "called `find`", id="a name twice"),
        pytest.param(
            YAML, ALL, '".*"\n        answer: "All', (YAML, 14), CAN_NEVER_RUN, id="rule behind all"
        ),
        pytest.param(YAML, LAST, "{regex: .*, answer: x}", (YAML, 16), CAN_NEVER_RUN, id="stage behind all"),
        pytest.param(
            YAML, "kind: generate", "kind: generat", (YAML, 21), "Did you mean `gen", id="kind of stage"
        ),
        pytest.param(YAML, "    kind: generate\n", "", (YAML, 20), "no `kind`", id="a stage without kind"),
        pytest.param(
            YAML, "- name: find\n", "- 5\n  - name: find\n", (YAML, 16), "expected a stage", id="number"
        ),
        pytest.param(
            YAML, "name: find", "nam: find", (YAML, 16), "Did you mean `name`?", id="key of a stage"
        ),
        pytest.param(YAML, "- name: find\n", "- x:\n", (YAML, 16), "`name` is missing", id="a stage unnamed"),
        pytest.param(YAML, "passages: 6", "passages: 0", (YAML, 19), "at least 1", id="no passages"),
        pytest.param(
            YAML, "description:", "descripton:", (YAML, 1), "Did you mean `desc", id="key of the file"
        ),
        pytest.param(
            YAML,
            "description: Answers",
            "description: [1]\n#",
            (YAML, 1),
            "expected a text",
            id="description",
        ),
        # files
        pytest.param(
            YAML, "prompt: answer.md", "prompt: anser.md", (YAML, 22), "Did you mean", id="no prompt"
        ),
        pytest.param(YAML, "table: faq.csv", "table: f.csv", (YAML, 14), "no file `f.csv`", id="no table"),
        pytest.param(
            YAML, "rules.py:", "rule.py:", (YAML, 15), "Did you mean `rules.py`?", id="no function file"
        ),
        pytest.param(YAML, "answer.md", "../support/answer.md", (YAML, 22), "leads out", id="up and out"),
        pytest.param(YAML, "answer.md", "/etc/passwd", (YAML, 22), "leads out", id="an absolute path"),
        pytest.param(YAML, "answer.md", "'C:\\x.md'", (YAML, 22), "leads out", id="a drive"),
        pytest.param(YAML, "answer.md", "'..\\x.md'", (YAML, 22), "leads out", id="backwards slashes"),
        pytest.param(YAML, "answer.md", "'.'", (YAML, 22), "not a file", id="the folder itself"),
        pytest.param(YAML, "answer.md", "''", (YAML, 22), "found nothing", id="no name at all"),
        pytest.param(YAML, "answer.md", '"a\\0b"', (YAML, 22), "cannot be read", id="a NUL in a name"),
        # rules
        pytest.param(
            YAML, "- table: faq.csv", "- tabel: faq.csv", (YAML, 14), "Did you mean `table`", id="rule"
        ),
        pytest.param(
            YAML, "- table: faq.csv", "- faq.csv", (YAML, 14), "expected a rule", id="a text as a rule"
        ),
        pytest.param(
            YAML,
            "- table: faq.csv",
            "- {table: faq.csv, regex: x}",
            (YAML, 14),
            "`regex` and `table`",
            id="both",
        ),
        pytest.param(YAML, "(?i)opening", "(?=x)", (YAML, 12), "RE2", id="look-ahead"),
        pytest.param(YAML, "(?i)opening", "((", (YAML, 12), "missing )", id="no regex"),
        pytest.param(YAML, "{{ shop }}", "{{ shp }}", (YAML, 13), "Did you mean `shop`?", id="no such group"),
        pytest.param(
            YAML, "{{ shop }}", "{{ shop|upper }}", (YAML, 13), "is no group", id="a filter on a group"
        ),
        pytest.param(YAML, "?P<shop>", "", (YAML, 13), "Name a group", id="a group without a name"),
        pytest.param(
            YAML, "        answer: ", "        anser: ", (YAML, 13), "Did you mean `answer`", id="anser"
        ),
        pytest.param(
            YAML, "rules.py:shipping_cost", "rules.py", (YAML, 15), "no function is", id="no function"
        ),
        pytest.param(
            YAML, ":shipping_cost", ":shiping_cost", (YAML, 15), "Did you mean `ship", id="function"
        ),
        pytest.param(PY, "def ", "async def ", (PY, 1), "`async`", id="an async function"),
        pytest.param(PY, "(values)", "()", (PY, 1), "with the input alone", id="no argument"),
        pytest.param(PY, "(values)", "(values, other)", (PY, 1), "with the input alone", id="two arguments"),
        pytest.param(PY, "None", "", (PY, 2), "not Python", id="no Python"),
        pytest.param(
            CSV, "question,", "qestion,", (CSV, 1), "no column `question`", id="a column is missing"
        ),
        pytest.param(CSV, "question,answer", "question;answer", (CSV, 1), "not semicolons", id="semicolons"),
        pytest.param(CSV, "What is that?", "what is  KESTREL", (CSV, 3), "", id="twice, with one answer"),
        pytest.param(
            CSV,
            "What is that?,A",
            "what is  KESTREL,No",
            (CSV, 3),
            "another answer on line 2",
            id="two answers",
        ),
        pytest.param(CSV, "What is that?,", "What, is that?,", (CSV, 3), "3 cells", id="an unquoted comma"),
        # prompts
        pytest.param(MD, "# user", "# users", (MD, 1), "no message of the user", id="no user message"),
        pytest.param(MD, "# user", "# User", (MD, 7), "Write `# user`", id="nearly a user message"),
        pytest.param(MD, "{% endfor %}", "", (MD, 13), "endfor", id="a block without an end"),
        pytest.param(MD, "max_tokens", "max_token", (MD, 2), "Did you mean `max_tokens`", id="front matter"),
        pytest.param(MD, "{{ tone }}", "{{ tone * 9 }}", (MD, 5), "not allowed", id="arithmetic"),
        pytest.param(MD, "400", "2000", (YAML, 23), "gives 1,024", id="a longer answer than the model gives"),
        pytest.param(YAML, "ladder: answers", "ladder: tiny", (YAML, 23), "(412 tokens) is too", id="window"),
        # the YAML itself
        pytest.param(YAML, "stages:", "stages: [", (YAML, 9), "YAML", id="no YAML"),
        pytest.param(
            YAML, "description: ", "description: *none #", (YAML, 1), "alias", id="an alias of nothing"
        ),
        pytest.param(YAML, "I do not", "I \\0 do not", (YAML, None), "NUL", id="a NUL in a text"),
    ],
)
def test_a_mistake_names_its_file_and_line(  # noqa: PLR0917 - the columns of the table
    write_feature: WriteFeature,
    feature_files: Files,
    catalogue: Catalogue,
    file: str,
    before: str,
    after: str,
    where: tuple[str, int | None],
    part: str,
) -> None:
    assert before in feature_files[file], "the case damages nothing"
    feature_files[file] = feature_files[file].replace(before, after)
    folder = write_feature(feature_files)
    mistakes = compile_feature(folder, catalogue, KNOWLEDGE)
    if not part:
        assert isinstance(mistakes, Release)
        return
    assert isinstance(mistakes, list)
    assert any(
        (one.where.path, one.where.line) == (folder / where[0], where[1]) and part in str(one)
        for one in mistakes
    ), [str(one) for one in mistakes]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("", "`stages` is missing", id="nothing"),
        pytest.param("- a\n- b", "expected keys with values", id="a list"),
        pytest.param("hello", "expected keys with values", id="a text"),
        pytest.param("stages: []\nfallback: {kind: text, text: No.}", "no stages", id="no stages"),
        pytest.param("stages: {}\nfallback: {kind: text, text: No.}", "expected a list", id="stages by name"),
        pytest.param("\x00", "NUL", id="binary"),
        pytest.param("[" * 100_000, "levels deep", id="very deep"),
        pytest.param("a: &a [*a]", "levels deep", id="an alias of itself"),
        pytest.param(
            "a0: &a0 x\n" + "\n".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]" for n in range(1, 9)),
            "unfolds",
            id="an alias bomb",
        ),
        pytest.param("# " + "x" * 2_000_000, "larger than", id="huge"),
    ],
)
def test_what_is_no_feature_says_why(
    write_feature: WriteFeature, catalogue: Catalogue, text: str, part: str
) -> None:
    mistakes = compile_feature(write_feature({"feature.yaml": text}), catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert any(part in str(one) for one in mistakes), [str(one) for one in mistakes]


def test_all_mistakes_are_told_at_once(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    feature_files["feature.yaml"] = (
        feature_files["feature.yaml"]
        .replace("handbook", "handbok")
        .replace("passages: 6", "pasages: 6")
        .replace("ladder: answers", "ladder: answrs")
        .replace("{{ shop }}", "{{ shp }}")
        .replace("4000", "-1")
        .replace("text:", "txt:")
    )
    feature_files["answer.md"] += "{{ qestion }}{{ passages[0].txt }}"
    feature_files["faq.csv"] += "What is that?,Something else.\n"
    feature_files["rules.py"] = "def other(values): ..."
    mistakes = compile_feature(write_feature(feature_files), catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert [(one.where.path.name, one.where.line) for one in mistakes] == [
        ("faq.csv", 4),
        *(("feature.yaml", line) for line in (5, 13, 15, 19, 23, 24, 26)),
    ]
    # Variables are not looked at while the input has mistakes of its own.
    feature_files["feature.yaml"] = feature_files["feature.yaml"].replace("-1", "4000")
    again = compile_feature(write_feature(feature_files), catalogue, KNOWLEDGE)
    assert isinstance(again, list)
    assert [one.message for one in again if one.where.path.name == "answer.md"] == [
        "no variable is called `qestion`",
        "a passage has no `txt`",
    ]


def test_without_a_catalogue_the_rest_is_still_looked_at(
    write_feature: WriteFeature, feature_files: Files
) -> None:
    assert compile_feature(write_feature(feature_files), None, KNOWLEDGE) == []
    mistakes = compile_feature(write_feature(feature_files), None, set())
    assert isinstance(mistakes, list)
    assert [one.where.line for one in mistakes] == [18]


# Files that are more than their text.


def test_a_missing_feature_file_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    mistakes = compile_feature(tmp_path, catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert mistakes[0].where.path == tmp_path / "feature.yaml"
    assert "there is no file `feature.yaml`" in str(mistakes[0])


@pytest.mark.parametrize("name", ["answer.md", "faq.csv", "rules.py", "feature.yaml"])
def test_a_file_that_is_not_utf_8_says_where(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, name: str
) -> None:
    folder = write_feature(feature_files)
    (folder / name).write_bytes((feature_files[name] + "\n# Gr").encode() + b"\xf6\xdfe\n")
    mistakes = compile_feature(folder, catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert f"`{name}` is not UTF-8: byte " in mistakes[0].message


def test_a_link_that_leads_out_of_the_folder_is_not_followed(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, tmp_path: Path
) -> None:
    prompt = feature_files.pop("answer.md")
    folder = write_feature(feature_files)
    (tmp_path / "outside.md").write_text(prompt)
    (folder / "answer.md").symlink_to(tmp_path / "outside.md")
    mistakes = compile_feature(folder, catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert "link that leads out" in mistakes[0].message
    (folder / "answer.md").unlink()
    (folder / "inside.md").write_text(prompt)
    (folder / "answer.md").symlink_to("inside.md")
    assert isinstance(compile_feature(folder, catalogue, KNOWLEDGE), Release)


def test_a_loop_of_links_and_a_pipe_do_not_hang(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    del feature_files["answer.md"], feature_files["faq.csv"]
    folder = write_feature(feature_files)
    (folder / "answer.md").symlink_to("answer.md")
    os.mkfifo(folder / "faq.csv")
    mistakes = compile_feature(folder, catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert [one.where.line for one in mistakes] == [14, 22]


def test_a_latency_budget_is_part_of_the_release(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    feature_files["feature.yaml"] += "latency: {first_token_ms: 800, total_ms: 5000, when_late: fallback}\n"
    release = compiled(write_feature(feature_files), catalogue)
    assert release.latency == LatencyBudget(first_token_ms=800, total_ms=5_000)


@pytest.mark.parametrize(
    ("latency", "part"),
    [
        pytest.param("{total_ms: 5000, when_late: job}", "`job` is not built yet", id="a job"),
        pytest.param("{total_ms: 5000, when_late: never}", "when_late", id="another word"),
        pytest.param("{}", "no limit", id="no limit"),
        pytest.param("{first_token_ms: 0}", "at least 1", id="no time at all"),
        pytest.param("{first_token_ms: 900, total_ms: 800}", "within 900 ms", id="more than all of it"),
        pytest.param("{first_token: 900}", "Did you mean `first_token_ms`?", id="an unknown key"),
        pytest.param("fast", "latency", id="a text"),
    ],
)
def test_a_latency_budget_that_cannot_be_kept(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, latency: str, part: str
) -> None:
    feature_files["feature.yaml"] += f"latency: {latency}\n"
    mistakes = compile_feature(write_feature(feature_files), catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert [part in str(one) for one in mistakes] == [True], mistakes
    assert mistakes[0].where.line == feature_files["feature.yaml"].count("\n")


def test_a_cost_target_is_compiled_and_makes_no_other_release(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue
) -> None:
    before = compiled(write_feature(feature_files), catalogue)
    feature_files["feature.yaml"] += "cost: {per_interaction: 0.02 USD}\n"
    release = compiled(write_feature(feature_files), catalogue)
    assert release.cost == CostTarget(per_interaction=NanoDollars(20_000_000))
    assert release.release_id == before.release_id


@pytest.mark.parametrize(
    ("cost", "part"),
    [
        pytest.param("{}", "`per_interaction` is missing", id="no target"),
        pytest.param("{per_interaction: 0.02}", "no amount of money", id="no currency"),
        pytest.param("{per_interaction: 0 USD}", "no amount of money", id="nothing"),
        pytest.param("{per_interaction: -1 USD}", "no amount of money", id="below nothing"),
        pytest.param(
            "{per_call: 1 USD, per_interaction: 1 USD}", "unknown key `per_call`", id="an unknown key"
        ),
        pytest.param("cheap", "cost", id="a text"),
    ],
)
def test_a_cost_target_that_is_none(
    write_feature: WriteFeature, feature_files: Files, catalogue: Catalogue, cost: str, part: str
) -> None:
    feature_files["feature.yaml"] += f"cost: {cost}\n"
    mistakes = compile_feature(write_feature(feature_files), catalogue, KNOWLEDGE)
    assert isinstance(mistakes, list)
    assert [part in str(one) for one in mistakes] == [True], mistakes
    assert mistakes[0].where.line == feature_files["feature.yaml"].count("\n")
