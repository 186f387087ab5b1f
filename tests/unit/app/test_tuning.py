"""A project's knowledge tuned: from its files to its declaration."""

from pathlib import Path

from buttress.app.buttress import Buttress
from buttress.app.measuring import Measured, labels_file
from buttress.app.tuning import LONGEST_ANSWER_TOKENS, Tunable, asker, edit_for, tune_knowledge
from buttress.kernel.scope import Scope
from buttress.settings.loading import load_settings
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.projects import ANSWERABLE, OTHER_MODEL, put_on_ladder

EVERYBODY = Measured(knowledge="docs", scope=Scope("default"))


def _labelled(project: Path) -> None:
    line = f'{{"query": "{ANSWERABLE}", "relevant": [{{"document": "welcome.md"}}]}}\n'
    labels_file(project, "docs").write_text(line, "utf-8")


async def test_labels_lead_to_an_edit_of_the_declaration(project: Path) -> None:
    _labelled(project)
    loaded = load_settings(project)
    tuning = await tune_knowledge(loaded, Tunable(measured=EVERYBODY, rerank="late"))
    assert (tuning.labels.origin, tuning.choice.count, tuning.choice.is_kept) == ("labels", 1, True)
    edit = edit_for(loaded, tuning)
    assert edit.path == project / "knowledge" / "docs.yaml"
    assert edit.before == edit.path.read_text("utf-8")
    assert edit.after.startswith(edit.before)


async def test_while_another_model_is_taken_in_the_one_that_is_searched_is_tuned(project: Path) -> None:
    _labelled(project)
    tuning = await tune_knowledge(load_settings(project, flags=(OTHER_MODEL,)), Tunable(measured=EVERYBODY))
    assert tuning.choice.default.mean == 1


async def test_a_model_is_asked_the_way_every_call_goes(project: Path) -> None:
    async with ScriptedUpstream([Reply(chunks=("What is", " it?"))]) as upstream:
        put_on_ladder(project, upstream.url)
        async with Buttress.open(project) as buttress:
            assert await asker(buttress, "rung-1")("Read this.") == "What is it?"
            traces = await (await buttress.traces()).latest("default", limit=1)
    (received,) = upstream.received
    assert f": {LONGEST_ANSWER_TOKENS}" in str(received.body)
    assert [one.feature for one in traces] == ["rung-1"]
