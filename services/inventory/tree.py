"""YAML as a tree that knows its lines, so that every mistake can be shown where it stands.

Built from the parser's events, which costs no recursion: depth, and the size that aliases would
blow up, are known before anything is expanded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

MAX_DEPTH = 32
MAX_NODES = 1_000_000

#: The parser in C is some 20 times faster; not every platform has it.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_STANDARD = "tag:yaml.org,2002:"
#: Dates, a lone "=" and a lone "<<" are text to us.
_TEXT = frozenset({"!", *(_STANDARD + name for name in ("str", "timestamp", "value", "merge"))})
_SCALARS = _TEXT | {_STANDARD + name for name in ("int", "float", "bool", "null")}
_COLLECTIONS = frozenset({"!", _STANDARD + "map", _STANDARD + "seq"})

_NO_FIELDS: Mapping[str, int] = MappingProxyType({})


@dataclass(slots=True)
class Node:
    """``value`` is a list of nodes, a dict of field names and nodes, or a scalar; ``raw`` a
    scalar as it was written. ``size`` counts the values below and ``height`` the levels, both
    with aliases in full. ``mistakes``: the line of each, the field it is about, what is wrong.

    A large inventory has 100,000 of these: what few of them have is not made for each.
    """

    line: int
    value: Any = None
    raw: str | None = None
    size: int = 1
    height: int = 1
    key: str | None = None
    key_lines: Mapping[str, int] = field(default_factory=lambda: _NO_FIELDS)
    mistakes: tuple[tuple[int, str | None, str], ...] = ()


class Unreadable(Exception):
    """The text is no YAML that can be looked into. ``line`` counts from 1."""

    def __init__(self, line: int | None, text: str) -> None:
        super().__init__(text)
        self.line = line


def grow(text: str) -> Node | None:
    """The tree of one YAML document; None when there is none. Raises Unreadable."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        last = max(len(text.splitlines()), 1)  # the parser finds an open bracket below the end
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(
            min(mark.line + 1, last) if mark else None, f"this is not YAML: {said}"
        ) from None
    except yaml.YAMLError as error:
        raise Unreadable(None, f"this is not YAML: {error}") from None
    return builder.root


def plant(value: Any) -> Node:
    """The tree of a value that came as JSON; it has no lines, so each is 0."""
    if isinstance(value, dict):
        return Node(
            0,
            {key: plant(below) for key, below in value.items()},
            key_lines=dict.fromkeys(value, 0),
        )
    if isinstance(value, list):
        return Node(0, [plant(below) for below in value])
    return Node(0, value, value if isinstance(value, str) else json.dumps(value))


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._resolver: Any = Resolver()
        self._constructor = SafeConstructor()
        self._plain: dict[str, tuple[Any, str | None]] = {}
        self._takers: Mapping[type[yaml.Event], Callable[[Any], None]] = {
            ScalarEvent: lambda event: self._place(self._scalar(event)),
            MappingStartEvent: self._begin,
            SequenceStartEvent: self._begin,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: lambda event: self._place(self._alias(event)),
            DocumentStartEvent: self._document,
        }

    def take(self, event: yaml.Event) -> None:
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)

    def _document(self, event: DocumentStartEvent) -> None:
        if self.root is not None:
            raise Unreadable(_line(event), "a second document begins; an inventory is one")

    def _end(self, _event: MappingEndEvent | SequenceEndEvent) -> None:
        self._place(self._open.pop())

    def _begin(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        _check_tag(event, _COLLECTIONS)
        if type(event) is MappingStartEvent:
            node = Node(_line(event), {}, key_lines={})
        else:
            node = Node(_line(event), [])
        self._anchor(event, node)
        self._open.append(node)
        if len(self._open) > MAX_DEPTH:
            raise Unreadable(node.line, f"nested deeper than {MAX_DEPTH} levels")

    def _anchor(self, event: NodeEvent, node: Node) -> None:
        if event.anchor:
            self._anchors[event.anchor] = node

    def _alias(self, event: AliasEvent) -> Node:
        line, anchor = _line(event), self._anchors.get(event.anchor or "")
        if anchor is None:
            raise Unreadable(line, f"there is no anchor '&{event.anchor}' above this alias")
        if any(node is anchor for node in self._open):
            raise Unreadable(line, f"the alias '*{event.anchor}' lies inside its own anchor")
        return Node(
            line, anchor.value, anchor.raw, anchor.size, anchor.height, key_lines=anchor.key_lines
        )

    def _place(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        if node.height >= parent.height:
            parent.height = node.height + 1
        if parent.size > MAX_NODES or parent.height > MAX_DEPTH:
            raise Unreadable(
                node.line,
                f"with its aliases the file has more than {MAX_NODES:,} values or {MAX_DEPTH} "
                "levels",
            )
        if type(parent.value) is list:
            parent.value.append(node)
        elif parent.key is None:
            parent.key = _name(node, parent)
        else:
            parent.value.setdefault(parent.key, node)
            parent.key = None

    def _scalar(self, event: ScalarEvent) -> Node:
        text, mistake = event.value, None
        if event.tag is not None:
            _check_tag(event, _SCALARS)
            value, mistake = self._value(event.tag, text)
        elif event.implicit[0]:
            # What is written without quotes is mostly the same few words.
            found = self._plain.get(text)
            if found is None:
                tag = self._resolver.resolve(ScalarNode, text, event.implicit)
                found = self._plain[text] = self._value(tag, text)
            value, mistake = found
        else:
            value = text
        node = Node(_line(event), value, text)
        if mistake is not None:
            node.mistakes = ((node.line, None, mistake),)
        self._anchor(event, node)
        return node

    def _value(self, tag: str, text: str) -> tuple[Any, str | None]:
        """What a scalar means, or what is wrong with it."""
        if tag in _TEXT:
            return text, None
        try:
            return self._constructor.construct_object(ScalarNode(tag, text)), None
        except (yaml.YAMLError, ValueError, LookupError, OverflowError):
            kind = {"int": "whole number", "float": "number"}.get(tag.rpartition(":")[2], "value")
            return text, f"'{text[:40]}' is not a {kind} that can be used; put text in quotes"


def _name(node: Node, parent: Node) -> str:
    if node.raw is None:
        raise Unreadable(node.line, "the name of a field must be plain text")
    if node.raw in parent.value:
        said = f"stands here a second time; the first is on line {parent.key_lines[node.raw]}"
        parent.mistakes += ((node.line, node.raw, said),)
    elif node.raw == "<<":
        said = "'<<' is not understood; use an alias for a whole value, or repeat its fields"
        parent.mistakes += ((node.line, None, said),)
    lines: Any = parent.key_lines  # of a mapping that is being read
    lines.setdefault(node.raw, node.line)
    return node.raw


def _check_tag(event: Any, known: frozenset[str]) -> None:
    if event.tag is not None and event.tag not in known:
        raise Unreadable(_line(event), f"the tag '{event.tag}' is not understood; leave it out")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
