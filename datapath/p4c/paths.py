"""Names that the control plane knows things by: ``@name`` and paths."""

from collections.abc import Sequence

from datapath.p4c import ir


def own_name(annotations: Sequence[object], name: str) -> str:
    """Return the name that ``@name`` gives, else ``name``."""
    a = ir.find_annotation(tuple(x for x in annotations if isinstance(x, ir.Annotation)), "name")
    return a.args[0] if a is not None and a.args and isinstance(a.args[0], str) else name


def join(prefix: str, name: str) -> str:
    """Return the control-plane path of ``name`` in ``prefix``."""
    if name.startswith("."):
        return name[1:]
    return f"{prefix}.{name}" if prefix else name
