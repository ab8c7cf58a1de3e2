"""Where a path of ours lies for a browser: below ``URL_PREFIX`` when there is one."""

from __future__ import annotations

import dash
from dash import dcc


def inside(path: str) -> str:
    """The address of a path of ours (``/health``, a query may follow), for ``href``, ``src`` and
    ``action``. A component that is drawn without an application has the path itself."""
    try:
        return str(dash.get_relative_path(path))
    except AttributeError:
        return path


def about(target: str) -> str:
    """The page that tells of a target; of many of them where it is ``servers:`` and their status,
    or ``tenants:``. Empty for what has none."""
    head, _, status = target.partition(":")
    if head == "servers":
        return inside(f"/health?state={status}")
    if head == "tenants":
        return inside("/health/tenants")
    if target in ("", "*"):
        return ""
    name = target.partition("/")[0]
    return inside(f"/health/tenants/{name[1:]}" if name[0] == "@" else f"/health/vps/{name}")


def linked(text: str, target: str) -> dcc.Link | str:
    """Text that leads to the page that tells of ``target``, where there is one."""
    href = about(target)
    return dcc.Link(text, href=href) if href else text
