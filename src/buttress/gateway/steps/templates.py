"""The small templates of a stage: what rules look at, what is searched for."""

from collections.abc import Mapping

from buttress.prompts.sandbox import render_text


def filled_in(template: str, values: Mapping[str, object], stage: str) -> str:
    """Return `template` of the stage of that name with `values` filled in.

    Raises:
        PromptUnrenderable: a value is missing or of the wrong type.
    """
    return render_text(template, values, stage).strip()
