"""The plain data of an inventory's tree, with ``${VARIABLES}`` put in, and the way back from a
value to the line on which it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.inventory.tree import Node
from services.inventory.wording import without_login

Path = tuple[str | int, ...]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong at ``path``; ``line`` counts from 1."""

    line: int
    path: Path
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"line {self.line}", show(self.path), self.text) if part)


def show(path: Path) -> str:
    """``vps[0].services[1].check``"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


class Written:
    """``data`` is what the tree says; ``mistakes`` grows as they are found."""

    def __init__(self, root: Node, environ: Mapping[str, str]) -> None:
        self.mistakes: list[Mistake] = []
        self._root = root
        self._environ = environ
        self._used: dict[str, str] = {}
        self.data = self._plain(root, ())

    def add(self, path: Sequence[str | int], text: str, line: int | None = None) -> None:
        """Notes a mistake at ``path``, as much of which as was written; no secret gets out."""
        found, at, _ = self.find(path)
        text = without_login(self._without_values(text))
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
        self.mistakes.append(Mistake(line or at, found, text))

    def find(self, path: Sequence[str | int]) -> tuple[Path, int, Node]:
        """The written part of ``path``, its line and its node. What was not written is passed
        over: a field that is missing, or a word of the validator's own."""
        node, line, found = self._root, self._root.line, []
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                line, node = node.key_lines[str(part)], node.value[part]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.line
            else:
                continue
            found.append(part)
        return tuple(found), line, node

    def _plain(self, node: Node, path: Path) -> Any:
        for line, key, text in node.mistakes:
            self.add(path if key is None else (*path, key), text, line)
        if isinstance(node.value, dict):
            return {key: self._plain(child, (*path, key)) for key, child in node.value.items()}
        if isinstance(node.value, list):
            return [self._plain(child, (*path, at)) for at, child in enumerate(node.value)]
        if isinstance(node.value, str) and "${" in node.value:
            return self._filled(node.value, path)
        return node.value

    def _filled(self, text: str, path: Path) -> str:
        for name in dict.fromkeys(_VARIABLE.findall(text)):
            if name in self._environ:
                self._used[name] = self._environ[name]
            else:
                self.add(path, f"the environment has no variable {name}; set it")
        if "${" in _VARIABLE.sub("", text):
            self.add(path, "'${' needs the name of a variable and '}' after it: ${OPS_SECRET}")
        return _VARIABLE.sub(lambda match: self._environ.get(match[1], match[0]), text)

    def _without_values(self, text: str) -> str:
        """A message with the values of variables replaced by their names: a long value wherever
        it stands, a short one (which may be part of any word) only as a word of its own."""
        for name, value in sorted(self._used.items(), key=lambda item: -len(item[1])):
            if len(value) >= 6:
                text = text.replace(value, f"${{{name}}}")
            elif value:
                pattern = rf"(?<!\w){re.escape(value)}(?!\w)"
                text = re.sub(pattern, f"${{{name}}}".replace("\\", r"\\"), text)
        return text
