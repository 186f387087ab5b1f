"""What a template may say, and which variables it uses. Pure.

A list of what is allowed, not of what is forbidden: printing, `if`, `for`, comparisons, the filters of the
sandbox. A loop inside a loop may only go over a part of the outer loop's element, so that a template takes
time in proportion to its values.
"""

from collections.abc import Mapping

import msgspec
from jinja2 import nodes

from buttress.kernel.located import did_you_mean
from buttress.prompts.sandbox import FILTER_NAMES, TEST_NAMES
from buttress.prompts.types import Path, Use

Bound = Mapping[str, Path | None]
"""The variables of the loops around: what they go over, None when that cannot be told."""

_ELEMENT = "*"

_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.CondExpr),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Filter, nodes.Test, nodes.Keyword, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Concat),
)

_SAID: dict[type[nodes.Node], str] = {
    nodes.Include: "`{% include %}`",
    nodes.Import: "`{% import %}`",
    nodes.FromImport: "`{% from %}`",
    nodes.Extends: "`{% extends %}`",
    nodes.Block: "`{% block %}`",
    nodes.Macro: "`{% macro %}`",
    nodes.CallBlock: "`{% call %}`",
    nodes.Assign: "`{% set %}`",
    nodes.AssignBlock: "`{% set %}`",
    nodes.With: "`{% with %}`",
    nodes.FilterBlock: "`{% filter %}`",
    nodes.ScopedEvalContextModifier: "`{% autoescape %}`",
    nodes.Call: "calling a function or method",
    nodes.Dict: "an object in braces",
    nodes.Mul: "`*`",
    nodes.Pow: "`**`",
    nodes.Div: "`/`",
    nodes.FloorDiv: "`//`",
    nodes.Mod: "`%`",
}

_SAME_ELEMENTS = frozenset(
    {"sort", "reverse", "list", "unique", "select", "reject", "selectattr", "rejectattr"}
)
_ONE_ELEMENT = frozenset({"first", "last", "min", "max"})
_BY_FIRST_ARGUMENT = frozenset({"selectattr", "rejectattr"})


class Problem(msgspec.Struct, frozen=True):
    """Something a template may not say, on its 1-based `line`."""

    line: int
    message: str
    hint: str


class Language(msgspec.Struct, frozen=True):
    """What was found in a template; lines count from its beginning. `fixed` is what is always printed."""

    uses: tuple[Use, ...]
    problems: tuple[Problem, ...]
    fixed: str


def read_language(template: nodes.Template) -> Language:
    """Return which variables `template` uses and what it may not say."""
    reading = _Reading()
    reading.visit(template, {})
    return Language(tuple(reading.uses), tuple(reading.problems), _fixed(template))


class _Reading:
    """One walk through a template."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.problems: list[Problem] = []

    def visit(self, node: nodes.Node, bound: Bound) -> None:
        """Note what `node` uses, and what is wrong with it."""
        if not isinstance(node, _ALLOWED):
            said = _SAID.get(type(node), f"`{type(node).__name__.lower()}`")
            self._problem(
                node, f"{said} is not allowed in a prompt", "Use printing, `if`, `for` and filters."
            )
        elif isinstance(node, nodes.For):
            self._loop(node, bound)
        elif isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            self._look_up(node, bound)
        else:
            self._named(node, bound)
            self._children(node, bound)

    def _children(self, node: nodes.Node, bound: Bound) -> None:
        for child in node.iter_child_nodes():
            self.visit(child, bound)

    def _problem(self, node: nodes.Node, message: str, hint: str) -> None:
        line = node.lineno or 1  # some nodes that Jinja makes up have none
        self.problems.append(Problem(line, message, hint))

    def _look_up(self, node: nodes.Name | nodes.Getattr | nodes.Getitem, bound: Bound) -> None:
        path = _path(node, bound)
        if path is not None:
            self.uses.append(Use(path, node.lineno))
        inner: nodes.Node = node
        while isinstance(inner, nodes.Getattr | nodes.Getitem):
            self._seen(inner, *_hidden_in(inner))
            if isinstance(inner, nodes.Getitem):
                self.visit(inner.arg, bound)
            inner = inner.node
        if not isinstance(inner, nodes.Name):
            self.visit(inner, bound)

    def _named(self, node: nodes.Node, bound: Bound) -> None:
        if isinstance(node, nodes.Filter):
            self._known(node, "filter", FILTER_NAMES)
            attribute = _attribute_of(node)
            path = _path(node.node, bound) if node.node else None
            self._seen(node, *(step for step in attribute.split(".") if step.startswith("_")))
            if attribute and path is not None:
                self.uses.append(Use((*path, _ELEMENT, attribute.split(".")[0]), node.lineno))
        elif isinstance(node, nodes.Test):
            self._known(node, "test", TEST_NAMES)

    def _seen(self, node: nodes.Node, *hidden: str) -> None:
        for name in hidden:
            hint = f"A property of that name is `['{name}']`." if name[:2] != "__" else "Name a property."
            self._problem(node, f"`{name}` cannot be looked up: it begins with an underscore", hint)

    def _known(self, node: nodes.Filter | nodes.Test, kind: str, names: frozenset[str]) -> None:
        if node.name not in names:
            known = ", ".join(sorted(name for name in names if name.isalpha()))
            hint = did_you_mean(node.name, sorted(names)) or f"There are: {known}."
            self._problem(node, f"no {kind} is called `{node.name}`", hint)

    def _loop(self, node: nodes.For, bound: Bound) -> None:
        if node.recursive:
            self._problem(node, "a recursive loop is not allowed in a prompt", "Leave `recursive` out.")
        if bound and _root(node.iter) not in bound:
            message = "a loop inside a loop may only go over a part of the outer loop's element"
            self._problem(node, message, "Put the loops one after the other.")
        self.visit(node.iter, bound)
        inside = {**bound, **_targets(node.target, _path(node.iter, bound)), "loop": None}
        for child in (*node.body, *([node.test] if node.test else [])):
            self.visit(child, inside)
        for child in node.else_:
            self.visit(child, bound)


def _path(node: nodes.Node, bound: Bound) -> Path | None:
    """Return which value `node` is, None when it is a new one or cannot be told."""
    if isinstance(node, nodes.Name):
        return bound.get(node.name, (node.name,))
    if isinstance(node, nodes.Getattr):
        return _below(_path(node.node, bound), node.attr)
    if isinstance(node, nodes.Getitem):
        return _element(_path(node.node, bound), node.arg)
    if isinstance(node, nodes.Filter) and node.node and node.name in _SAME_ELEMENTS:
        return _path(node.node, bound)
    if isinstance(node, nodes.Filter) and node.node and node.name in _ONE_ELEMENT:
        return _below(_path(node.node, bound), _ELEMENT)
    return None


def _element(base: Path | None, argument: nodes.Node) -> Path | None:
    if isinstance(argument, nodes.Slice):
        return base
    value = argument.value if isinstance(argument, nodes.Const) else None
    return _below(base, value if isinstance(value, str) else _ELEMENT)


def _below(base: Path | None, step: str) -> Path | None:
    return None if base is None else (*base, step)


def _root(node: nodes.Node | None) -> str:
    """Return the variable that a value is made of by looking up and filtering, empty when it is none."""
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else ""


def _targets(target: nodes.Node, over: Path | None) -> dict[str, Path | None]:
    if isinstance(target, nodes.Name):
        return {target.name: _below(over, _ELEMENT)}
    return {name.name: None for name in target.find_all(nodes.Name)}


def _hidden_in(node: nodes.Getattr | nodes.Getitem) -> list[str]:
    """Return the attribute that `node` looks up, if it is one of Python's own, or looks like one."""
    if isinstance(node, nodes.Getattr):
        return [node.attr] if node.attr.startswith("_") else []
    value = node.arg.value if isinstance(node.arg, nodes.Const) else None
    return [value] if isinstance(value, str) and value.startswith("__") else []


def _attribute_of(node: nodes.Filter) -> str:
    """Return the attribute that a filter looks up in each element, empty when it names none."""
    named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    first = node.args[:1] if node.name in _BY_FIRST_ARGUMENT else []
    for value in (*named, *first):
        if isinstance(value, nodes.Const) and isinstance(value.value, str):
            return value.value
    return ""


def _fixed(template: nodes.Template) -> str:
    printed = (part for node in template.body if isinstance(node, nodes.Output) for part in node.nodes)
    return "".join(part.data for part in printed if isinstance(part, nodes.TemplateData))
