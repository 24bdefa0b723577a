"""Sets of parameters of congestion control, out of the engine."""

from typing import Any

from rdma_verbs._native_values import set_number
from rdma_verbs._roce_cffi import ffi, lib

_FIELDS = tuple(name for name, _ in ffi.typeof("struct roce_cc_cfg").fields)


def preset_names() -> tuple[str, ...]:
    """Return the names of the sets of parameters."""
    names: list[str] = []
    while raw := lib.roce_cc_preset_name(len(names)):
        names.append(ffi.string(raw).decode())
    return tuple(names)


def preset(name: str, max_rate: int) -> dict[str, int] | None:
    """Return a set of parameters by name; None: there is none."""
    raw = ffi.new("struct roce_cc_cfg *")
    set_number("CongestionControl", raw, "rpg_max_rate", max_rate)
    if lib.roce_cc_preset(name.encode(), raw.rpg_max_rate, raw) < 0:
        return None
    return numbers(raw)


def numbers(raw: Any) -> dict[str, int]:
    """Return the fields of a C structure of parameters."""
    return {name: int(getattr(raw, name)) for name in _FIELDS}
