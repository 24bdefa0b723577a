"""Counters out of the engine, by name."""

from collections.abc import Iterable, Sequence

from rdma_verbs._native_values import Handle
from rdma_verbs._roce_cffi import ffi, lib


def counter_names() -> tuple[str, ...]:
    """Return the names of the engine's counters in the order in which they lie in memory."""
    return tuple(ffi.string(lib.roce_counter_name(i)).decode() for i in range(lib.roce_counter_count()))


def qp_counter_names() -> tuple[str, ...]:
    """Return the names of a queue pair's counters in the order in which they lie in memory."""
    return tuple(ffi.string(lib.roce_qp_counter_name(i)).decode() for i in range(lib.roce_qp_counter_count()))


def counter_aliases() -> dict[str, str]:
    """Return the second names of counters, each with the counter's own."""
    of = ffi.new("const char **")
    found: dict[str, str] = {}
    while raw := lib.roce_counter_alias(len(found), of):
        found[ffi.string(raw).decode()] = ffi.string(of[0]).decode()
    return found


_COUNTERS, _QP_COUNTERS, _ALIASES = counter_names(), qp_counter_names(), counter_aliases()


def named_counters(names: Sequence[str], values: Iterable[int]) -> dict[str, int]:
    """Return counters by all their names, in order; what is counted as "not dropped" is left out."""
    counters = {name: int(value) for name, value in zip(names, values, strict=False) if name != "drop_none"}
    return counters | {name: counters[of] for name, of in _ALIASES.items() if of in counters}


def device_counters(device: Handle) -> dict[str, int]:
    """Return every counter of a device by all its names."""
    values = ffi.cast("uint64_t *", lib.roce_dev_counters(device))
    return named_counters(_COUNTERS, (values[i] for i in range(len(_COUNTERS))))


def queue_pair_counters(qp: Handle) -> dict[str, int]:
    """Return every counter of a queue pair by all its names."""
    raw = ffi.new("struct roce_qp_counters *")
    lib.roce_qp_counters(qp, raw)
    values = ffi.cast("uint64_t *", raw) + 1
    return named_counters(_QP_COUNTERS, (values[i] for i in range(len(_QP_COUNTERS))))
