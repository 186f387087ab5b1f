"""What can go wrong when features are compiled."""

from collections.abc import Sequence

from buttress.kernel.errors import ButtressError, Mistake


class FeatureInvalid(ButtressError):
    """The files of a project hold mistakes; `mistakes` has all of them."""

    code = "gateway.feature_invalid"
    hint = "Each mistake names its file, its line and what would be right."

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = f"{len(mistakes)} mistakes" if len(mistakes) != 1 else "1 mistake"
        lines = "\n".join(str(mistake) for mistake in mistakes)
        data: list[dict[str, object]] = [
            {
                "path": str(mistake.where.path),
                "line": mistake.where.line,
                "message": mistake.message,
                "hint": mistake.hint,
            }
            for mistake in mistakes
        ]
        super().__init__(f"{count}:\n{lines}", data={"mistakes": data})
