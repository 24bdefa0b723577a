"""The only file of this package that touches cffi: C calls in, numpy arrays and exceptions out.

``Sim`` is one simulation of ``csrc/sim.h``. What comes in numbers (links, flows, results) crosses as numpy arrays whose
fields are those of the C structures, without a copy; the configuration of a host or a switch as a mapping with the
names of the C fields, nested where they are.
"""

import errno
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datapath.errors import CallerError, DpuError
from dpu_emu._emu_cffi import ffi, lib

__all__ = [
    "AFTER",
    "FAULT",
    "FLOW",
    "FLOW_RESULT",
    "LINK",
    "LINK_STATS",
    "NEVER_PS",
    "PAUSE_EVENT",
    "PROBE",
    "SAMPLE",
    "Array",
    "Sim",
    "constants",
    "fill",
    "numbers",
]

Array = NDArray[Any]
NEVER_PS = (1 << 64) - 1


def _format(kind: Any) -> Any:
    """Return what numpy calls a C type of integers."""
    if kind.kind == "array":
        return (_format(kind.item), (kind.length,))
    unsigned = int(ffi.cast(kind, -1)) > 0
    return f"<{'u' if unsigned else 'i'}{ffi.sizeof(kind)}"


def _dtype(struct: str) -> np.dtype[Any]:
    kind = ffi.typeof(f"struct {struct}")
    fields = list(kind.fields)
    return np.dtype(
        {
            "names": [name for name, _ in fields],
            "formats": [_format(field.type) for _, field in fields],
            "offsets": [field.offset for _, field in fields],
            "itemsize": ffi.sizeof(kind),
        }
    )


LINK = _dtype("emu_link_cfg")
FLOW = _dtype("emu_flow")
AFTER = _dtype("emu_after")
FAULT = _dtype("emu_fault")
PROBE = _dtype("emu_probe")
FLOW_RESULT = _dtype("emu_flow_result")
LINK_STATS = _dtype("emu_link_stats")
PAUSE_EVENT = _dtype("emu_pause_event")
SAMPLE = _dtype("emu_sample")


def constants(enum: str) -> dict[str, int]:
    """Return the names and values of a C enum, e.g. ``emu_fault_kind``."""
    return {name: int(value) for value, name in ffi.typeof(f"enum {enum}").elements.items()}


def fill(raw: Any, values: Mapping[str, Any], what: str) -> None:
    """Set the fields of a C structure; those that are not named stay zero.

    Raises:
        CallerError: there is no such field, or the number does not fit it.
    """
    fields = dict(ffi.typeof(raw[0] if ffi.typeof(raw).kind == "pointer" else raw).fields)
    for name, value in values.items():
        if name not in fields:
            raise CallerError(f"{what}: no parameter {name}")
        if isinstance(value, Mapping):
            fill(getattr(raw, name), value, f"{what}.{name}")
        elif isinstance(value, Sequence):
            array = getattr(raw, name)
            for i, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    fill(array[i], entry, f"{what}.{name}[{i}]")
                else:
                    array[i] = entry
        else:
            try:
                setattr(raw, name, int(value))
            except OverflowError:
                raise CallerError(f"{what}: {name} {value} does not fit its {fields[name].type.cname}") from None


def numbers(raw: Any) -> dict[str, Any]:
    """Return a C structure of integers and arrays of them."""
    found: dict[str, Any] = {}
    for name, field in ffi.typeof(raw).item.fields:
        value = getattr(raw, name)
        found[name] = list(value) if field.type.kind == "array" else int(value)
    return found


class Sim:
    """One simulation; see ``csrc/sim.h`` for what each call does and in which order they come."""

    def __init__(self, seed: int) -> None:
        """Make an empty one.

        Raises:
            MemoryError: there is no memory for it.
        """
        raw = lib.emu_sim_new(seed)
        if not raw:
            raise MemoryError("simulation: no memory")
        self._raw = ffi.gc(raw, lib.emu_sim_free)

    def _check(self, result: int) -> int:
        """Return ``result``, or raise what the simulator says is wrong."""
        if result >= 0:
            return result
        message = ffi.string(lib.emu_sim_error(self._raw)).decode()
        if -result in (errno.ENOMEM, errno.EIO):
            raise DpuError(message, -result)
        raise CallerError(message, -result)

    def _pass(self, call: Any, kind: np.dtype[Any], struct: str, rows: Array) -> None:
        whole = np.ascontiguousarray(rows, dtype=kind)
        self._check(call(self._raw, ffi.from_buffer(f"struct {struct}[]", whole), len(whole)))

    def _take(self, call: Any, kind: np.dtype[Any], struct: str, *args: int) -> Array:
        rows = np.zeros(self._check(call(self._raw, *args, ffi.NULL, 0)), dtype=kind)
        if len(rows):
            got = self._check(call(self._raw, *args, ffi.from_buffer(f"struct {struct}[]", rows), len(rows)))
            rows = rows[:got]
        return rows

    def host(self, cfg: Mapping[str, Any]) -> int:
        """Add a host: parameters of ``struct emu_host_cfg``; return its node number."""
        raw = ffi.new("struct emu_host_cfg *")
        fill(raw, cfg, "host")
        return self._check(lib.emu_sim_host(self._raw, raw))

    def switch(self, cfg: Mapping[str, Any]) -> int:
        """Add a switch: parameters of ``struct emu_switch_cfg``; return its node number."""
        raw = ffi.new("struct emu_switch_cfg *")
        fill(raw, cfg, "switch")
        return self._check(lib.emu_sim_switch(self._raw, raw))

    def links(self, rows: Array) -> None:
        """Add links, rows of ``LINK``."""
        self._pass(lib.emu_sim_links, LINK, "emu_link_cfg", rows)

    def route(self) -> None:
        """Compute shortest paths."""
        self._check(lib.emu_sim_route(self._raw))

    def route_set(self, node: int, dst: int, ports: Sequence[int]) -> None:
        """Make switch ``node`` use these ports only towards host ``dst``."""
        self._check(lib.emu_sim_route_set(self._raw, node, dst, list(ports), len(ports)))

    def flows(self, rows: Array) -> None:
        """Add flows, rows of ``FLOW``; they are numbered in the order in which they come."""
        self._pass(lib.emu_sim_flows, FLOW, "emu_flow", rows)

    def after(self, rows: Array) -> None:
        """Add dependencies, rows of ``AFTER``."""
        self._pass(lib.emu_sim_after, AFTER, "emu_after", rows)

    def faults(self, rows: Array) -> None:
        """Add faults, rows of ``FAULT``."""
        self._pass(lib.emu_sim_faults, FAULT, "emu_fault", rows)

    def probes(self, rows: Array) -> None:
        """Add probes, rows of ``PROBE``; they are numbered in the order in which they come."""
        self._pass(lib.emu_sim_probes, PROBE, "emu_probe", rows)

    def capture(self, path: str, links: Sequence[int]) -> None:
        """Write the packets of these links to a pcapng file."""
        self._check(lib.emu_sim_capture(self._raw, path.encode(), list(links), len(links)))

    def trace_pauses(self, most: int) -> None:
        """Keep pause events, so many at most."""
        self._check(lib.emu_sim_trace_pauses(self._raw, most))

    def run(self, until_ps: int = NEVER_PS, max_events: int = NEVER_PS, *, until_done: bool = True) -> int:
        """Run until the time or until all flows are done, without the GIL; return how many events that took."""
        return self._check(lib.emu_sim_run(self._raw, until_ps, max_events, until_done))

    def stats(self) -> dict[str, int]:
        """Return ``struct emu_sim_stats``."""
        raw = ffi.new("struct emu_sim_stats *")
        lib.emu_sim_stats(self._raw, raw)
        return numbers(raw)

    def flow_results(self) -> Array:
        """Return rows of ``FLOW_RESULT``, one for each flow."""
        return self._take(lib.emu_sim_flow_results, FLOW_RESULT, "emu_flow_result")

    def link_stats(self) -> Array:
        """Return rows of ``LINK_STATS``, two for each link: from a to b, from b to a."""
        return self._take(lib.emu_sim_link_stats, LINK_STATS, "emu_link_stats")

    def pauses(self) -> Array:
        """Return rows of ``PAUSE_EVENT`` in the order of time."""
        return self._take(lib.emu_sim_pauses, PAUSE_EVENT, "emu_pause_event")

    def samples(self, probe: int) -> Array:
        """Return rows of ``SAMPLE`` of a probe."""
        return self._take(lib.emu_sim_samples, SAMPLE, "emu_sample", probe)

    def switch_stats(self, node: int) -> dict[str, Any]:
        """Return ``struct dp_tm_stats`` of a switch; empty for a host."""
        raw = lib.emu_sim_switch_stats(self._raw, node)
        return numbers(raw) if raw else {}

    def deadlock(self) -> list[int]:
        """Return the directions of a cycle that waits for itself now; empty: there is none."""
        room = ffi.new("uint32_t[]", 4096)
        n = self._check(lib.emu_sim_deadlock(self._raw, room, len(room)))
        return list(room[0 : min(n, len(room))])
