"""Which names a template may speak of, and which of those it does speak of there are not. Pure.

A variable that does not exist prints as nothing, so a misspelt one would be noticed at night by
whoever misses it. It is looked for in the syntax tree, where branches that an example does not
reach are seen too.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jinja2 import nodes

#: Names that Jinja gives inside of loops, macros and calls.
_OF_JINJA = frozenset({"loop", "caller", "varargs", "kwargs"})
_DICT = frozenset({"get", "items", "keys", "values"})
_ALONE = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)

Found = tuple[int, str]


def misnamed(
    tree: nodes.Template,
    names: Mapping[str, Any],
    globals_: Collection[str],
    filters: Collection[str],
    tests: Collection[str],
) -> Iterator[Found]:
    """Line and problem of each name that means nothing, and of each that may not be used.

    ``names`` has a key for each variable: with a mapping of the same kind for its fields, a list
    of one such thing for what can be looped over, and None for what has no fields.
    """
    for alone in tree.find_all(_ALONE):
        yield alone.lineno, "a template stands alone: include, import and extends are not possible"
    for unescaped in tree.find_all(nodes.ScopedEvalContextModifier):
        yield unescaped.lineno, "values in HTML are always escaped: autoescape is not possible"
    for filter_ in tree.find_all(nodes.Filter):
        if filter_.name not in filters:
            yield (
                filter_.lineno,
                f"there is no filter '{filter_.name}'{near(filter_.name, filters)}",
            )
    for test in tree.find_all(nodes.Test):
        if test.name not in tests:
            yield test.lineno, f"there is no test '{test.name}'{near(test.name, tests)}"
    scope = _Scope(tree, names, globals_)
    for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem)):
        problem = scope.problem(node)
        if problem:
            yield node.lineno, problem


def near(name: str, known: Collection[str]) -> str:
    """``; do you mean 'title' or 'tenants'?``, or nothing."""
    plain = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), plain, 2, 0.6)
    meant = " or ".join(f"'{plain[each]}'" for each in close)
    return f"; do you mean {meant}?" if meant else ""


class _Scope:
    """What is known of the values behind the names of one template. A name that the template sets
    itself may hold anything, unless it runs over a list whose elements are known."""

    def __init__(
        self, tree: nodes.Template, names: Mapping[str, Any], globals_: Collection[str]
    ) -> None:
        self._known: dict[str, Any] = dict(names)
        self._free = {*globals_, *_OF_JINJA, *(macro.name for macro in tree.find_all(nodes.Macro))}
        looped = {id(loop.target): loop for loop in tree.find_all(nodes.For)}
        set_here: dict[str, Any] = {}
        for name in tree.find_all(nodes.Name):
            if name.ctx == "load":
                continue
            loop = looped.get(id(name))
            over = self._shape(loop.iter) if loop else None
            shape = over[0] if isinstance(over, list) else None
            if set_here.setdefault(name.name, shape) != shape:
                set_here[name.name] = None
            # Only if it is the same thing everywhere is anything known of it.
            if self._known.setdefault(name.name, shape) != shape:
                self._known[name.name] = None

    def problem(self, node: nodes.Node) -> str | None:
        if isinstance(node, nodes.Name):
            if node.ctx != "load" or node.name in self._known or node.name in self._free:
                return None
            return f"there is no '{node.name}'{near(node.name, self._known)}"
        field = _field(node)
        if field is None:
            return None
        if field.startswith("_"):
            return f"'{field}' may not be read here"
        assert isinstance(node, nodes.Getattr | nodes.Getitem)  # noqa: S101
        shape = self._shape(node.node)
        if isinstance(shape, Mapping) and field not in shape and field not in _DICT:
            return f"there is no '{_path(node.node)}.{field}'{near(field, shape)}"
        return None

    def _shape(self, node: nodes.Node) -> Any:
        """The fields of what an expression gives; None when nothing is known."""
        if isinstance(node, nodes.Name):
            return self._known.get(node.name)
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            shape, field = self._shape(node.node), _field(node)
            if isinstance(shape, Mapping) and field is not None:
                return shape.get(field)
            if isinstance(shape, list) and field is None:
                return (
                    shape[0] if not isinstance(getattr(node, "arg", None), nodes.Slice) else shape
                )
        return None


def _field(node: nodes.Node) -> str | None:
    """The field that is read; None for a number, and for what is only known when it is rendered."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return node.arg.value if isinstance(node.arg.value, str) else None
    return None


def _path(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return f"{_path(node.node)}.{_field(node) or '0'}"
    return "it"
