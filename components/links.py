"""Where a path of ours lies for a browser: below ``URL_PREFIX`` when there is one."""

from __future__ import annotations

import dash


def inside(path: str) -> str:
    """The address of a path of ours (``/health``, a query may follow), for ``href``, ``src`` and
    ``action``. A component that is drawn without an application has the path itself."""
    try:
        return str(dash.get_relative_path(path))
    except AttributeError:
        return path
