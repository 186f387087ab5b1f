"""Python functions as rules: whether they are there and can be called, without running anything. Pure."""

import ast
import warnings
from pathlib import Path

from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import did_you_mean

_SHAPE = "Write `def {name}(values: dict) -> str | None:` at the top level of the file."


def function_mistakes(source: str, path: Path, function: str, where: Location) -> list[Mistake]:
    """Return what keeps `function` of the file at `path` from being called; `where` is who names it."""
    hint = _SHAPE.format(name=function)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler thinks of the team's code is not our affair
            tree = ast.parse(source)
    except SyntaxError as error:
        return [Mistake(Location(path, error.lineno), f"not Python: {error.msg}", "Mend the file.")]
    except (MemoryError, RecursionError, ValueError) as error:
        return [Mistake(Location(path), f"not Python: {type(error).__name__}", "Mend the file.")]
    defined = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if function not in defined:
        message = f"`{path.name}` defines no function `{function}`"
        return [Mistake(where, message, did_you_mean(function, defined) or hint)]
    found = defined[function]
    if isinstance(found, ast.AsyncFunctionDef):
        message = f"`{function}` is `async`; a rule is a plain function"
        return [Mistake(Location(path, found.lineno), message, hint)]
    if not _takes_one(found.args):
        message = f"`{function}` cannot be called with the input alone"
        return [Mistake(Location(path, found.lineno), message, hint)]
    return []


def _takes_one(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    required_by_name = [default for default in arguments.kw_defaults if default is None]
    return required <= 1 and (positional >= 1 or arguments.vararg is not None) and not required_by_name
