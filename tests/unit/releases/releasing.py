"""A release for the tests of this folder."""

from buttress.kernel.catalogue import Model, plain_ladder
from buttress.releases.types import (
    FallbackPassages,
    GenerateStage,
    RegexRule,
    Release,
    RetrieveStage,
    RulesStage,
    TableRule,
    identified,
)


def a_release(feature: str = "support", description: str = "Answers questions.") -> Release:
    """Return a release with one stage of each kind."""
    return identified(
        Release(
            feature=feature,
            description=description,
            input_schema={"type": "object", "properties": {"question": {"type": "string"}}},
            stages=(
                RulesStage(
                    name="known",
                    rules=(TableRule("faq.csv", {"hello": "Hi."}), RegexRule("open", "From 9 to 5.")),
                ),
                RetrieveStage(name="find", knowledge="handbook"),
                GenerateStage(name="write", prompt="answer.md", ladder="answers", max_tokens=400),
            ),
            fallback=FallbackPassages("I do not know.", 3),
            prompts={"answer.md": "# user\n{{ question }}\n"},
            models={"quotes": Model(name="quotes", provider="extractive")},
            ladders={"answers": plain_ladder("quotes")},
            files={"answer.md": "0" * 64},
        )
    )
