"""Templates that strangers may write: Jinja2 with nothing but text, numbers and lists in reach.

Jinja's sandbox refuses private attributes; this one refuses every attribute that is not listed
here, ``str.format`` among them. Neither keeps a template from asking for a gigabyte or for an
hour: that is for the process that renders it (``worker``). Nothing here knows the rest of us.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, NoReturn

from jinja2 import ChainableUndefined, Template, TemplateSyntaxError, Undefined
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from services.notify.templates.names import misnamed
from services.notify.templates.parts import Problem, TemplateError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILTERS = _words(
    "abs batch capitalize count d default e escape first float groupby indent int items join last "
    "length list lower map max min reject rejectattr replace reverse round select selectattr slice "
    "sort string sum title tojson trim truncate unique upper urlencode wordcount wordwrap"
)
GLOBALS = ("range", "dict", "namespace")
_STRING = _words(
    "capitalize endswith join lower lstrip replace rstrip split splitlines startswith strip title "
    "upper"
)
_DICT = frozenset({"get", "items", "keys", "values"})
_LOOP = _words(
    "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0"
)


class Sandbox(ImmutableSandboxedEnvironment):
    """What is missing prints as nothing, so that a message goes out without it."""

    def __init__(self, html: bool) -> None:
        super().__init__(
            autoescape=html,
            optimized=False,  # nothing is worked out, and kept, while a template is read
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=ChainableUndefined,
            finalize=lambda value: "" if value is None else value,
        )
        self.filters = {name: call for name, call in self.filters.items() if name in FILTERS}
        self.globals = {name: self.globals[name] for name in GLOBALS}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in _STRING
        if isinstance(obj, dict):
            return attr in _DICT
        if isinstance(obj, LoopContext):
            return attr in _LOOP
        return isinstance(obj, Namespace | Undefined) and not attr.startswith("_")

    def getattr(self, obj: Any, attribute: str) -> Any:
        # A field comes before a method of its name.
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> None:
        """No ``format``: it is refused like every attribute that is not listed."""

    def unsafe_undefined(self, obj: Any, attribute: str) -> NoReturn:
        # Jinja would hand out something that prints as nothing.
        raise SecurityError(f"'{attribute}' may not be read here")


_ENVIRONMENTS = {html: Sandbox(html) for html in (False, True)}


def render(
    parts: Mapping[str, str],
    contexts: list[dict[str, Any]],
    names: Mapping[str, Any] | None = None,
    longest: int | None = None,
) -> dict[str, str]:
    """Each part with the first context, once it went well with all of them.

    With ``names`` (what a template may speak of, see ``names.misnamed``) the sources are looked
    through first, also where they are not reached. ``longest``: characters of all parts together.
    Raises TemplateError.
    """
    if names is not None:
        problems = [
            Problem(part, line, problem)
            for part, source in parts.items()
            for line, problem in _looked_through(part, source, names)
        ]
        if problems:
            raise TemplateError(*problems)
    results = [_rendered(parts, context, longest) for context in contexts]
    return results[0]


def _rendered(
    parts: Mapping[str, str], context: dict[str, Any], longest: int | None
) -> dict[str, str]:
    texts: dict[str, str] = {}
    for part, source in parts.items():
        try:
            texts[part] = _compiled(part == "html", source).render(context)
        except (Exception, RecursionError) as error:
            raise TemplateError(Problem(part, _line(error), _said(error))) from error
        if longest is not None and sum(map(len, texts.values())) > longest:
            problem = f"the message has more than {longest:,} characters"
            raise TemplateError(Problem(part, None, problem))
    return texts


@lru_cache(maxsize=64)
def _compiled(html: bool, source: str) -> Template:
    return _ENVIRONMENTS[html].from_string(source)


def _looked_through(
    part: str, source: str, names: Mapping[str, Any]
) -> list[tuple[int | None, str]]:
    environment = _ENVIRONMENTS[part == "html"]
    try:
        tree = environment.parse(source)
        return list(misnamed(tree, names, GLOBALS, environment.filters, environment.tests))
    except Exception as error:
        return [(_line(error), _said(error))]


def _said(error: Exception) -> str:
    """An error in plain words."""
    match error:
        case MemoryError():
            return "it needs more memory than a template may have"
        case RecursionError():
            return "it calls itself, or is nested, without end"
        case OverflowError() if "Range" in str(error):
            return "range() gives at most 100,000 numbers"
        case TemplateSyntaxError():
            text = error.message or "it cannot be read"
        case _:
            text = str(error) or type(error).__name__
    text = text.removesuffix(".")[:300]
    return text[:1].lower() + text[1:]


def _line(error: BaseException) -> int | None:
    """The line of the template that an error comes from; Jinja writes it into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    found, step = None, error.__traceback__
    while isinstance(step, TracebackType):
        if step.tb_frame.f_code.co_filename == "<template>":
            found = step.tb_lineno
        step = step.tb_next
    return found
