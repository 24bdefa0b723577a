"""Finds things of a program by the name that a person would write: ``t``, ``MyIngress.t`` or the whole path."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from datapath.errors import CallerError

T = TypeVar("T")


def find_path(paths: Iterable[str], name: str, kind: str) -> str:
    """Return the path that ``name`` means: itself, else the only one whose last dotted parts it is.

    When no path ends so, the last part alone decides: ``ingress.t`` finds ``MyIngress.t``.

    Raises:
        CallerError: none or several; ``kind`` (``table``) names what was looked for.
    """
    paths = list(paths)
    if name in paths:
        return name
    tail = name.lstrip(".")
    found = [p for p in paths if p == tail or p.endswith("." + tail)]
    if not found:
        local = tail.rpartition(".")[2]
        found = [p for p in paths if p.rpartition(".")[2] == local]
    if len(found) == 1:
        return found[0]
    if found:
        raise CallerError(f"{kind} {name!r} is ambiguous: {', '.join(sorted(found))}")
    near = difflib.get_close_matches(name, [*paths, *(p.rpartition(".")[2] for p in paths)], n=3, cutoff=0.5)
    if near:
        hint = f"; near: {', '.join(dict.fromkeys(near))}"
    elif paths:
        hint = f"; there are: {', '.join(sorted(paths)[:8])}{', ...' if len(paths) > 8 else ''}"
    else:
        hint = f"; the program has no {kind}"
    raise CallerError(f"no {kind} {name!r}{hint}")


def find(objects: Mapping[str, T], name: str, kind: str) -> T:
    """Return the object that ``name`` means; see :func:`find_path`.

    Raises:
        CallerError: none or several.
    """
    return objects[find_path(objects, name, kind)]
