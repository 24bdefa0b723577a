"""Runs a case on the evaluator and on the engine, and says how they differ; makes a case that differs smaller."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from datapath.errors import CallerError
from datapath.p4c.compiler import Compiled, compile_text
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.target import Entry, Packet, Target
from tests.p4gen.case import Case
from tests.p4gen.text import Node


@dataclass(slots=True)
class Result:
    """What a case did: outputs (port, rid, bytes) and digests of each packet, and the state at the end."""

    outputs: list[list[tuple[int, int, str]]] = field(default_factory=list)
    digests: list[list[tuple[int, ...]]] = field(default_factory=list)
    registers: dict[str, list[int]] = field(default_factory=dict)
    counters: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    direct: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """Messages of ``log_msg`` and failed assertions (only that there was one)."""
    refused: list[str] = field(default_factory=list)
    """Entries that the target did not take."""


def play(case: Case, compiled: Compiled, target: Target) -> Result:
    """Run a case on a target."""
    out = Result()
    handles: dict[str, list[int]] = {}
    for profile, member, action, args in case.members:
        target.set_member(profile, member, action, args)
    for profile, group, members in case.groups:
        target.set_group(profile, group, members)
    for e in case.entries:
        try:
            handle = target.insert(
                Entry(e.table, e.match, e.action, e.args, e.priority, member=e.member, group=e.group)
            )
        except CallerError:
            out.refused.append(e.table)
            continue
        handles.setdefault(e.table, []).append(handle)
    for name, match in case.value_sets:
        target.add_to_value_set(name, match)
    for group, replicas in case.multicast.items():
        target.set_multicast(group, replicas)
    for session, replicas in case.clones.items():
        target.set_clone(session, replicas)
    for meter in case.meters:
        target.set_meter(meter.name, meter.index, *meter.rates)
    for i, (port, data) in enumerate(case.packets):
        if i == len(case.packets) // 2:
            _change(case, target, handles)
        got = target.process([Packet(port, data, 1000 * i)])
        out.outputs.append(sorted((o.port, o.rid, o.data.hex()) for o in got))
        events = target.events()
        out.texts.extend(e.text if e.kind == "log" else e.kind for e in events if e.kind in ("log", "assert"))
        out.digests.append([tuple(v for _, v in e.fields) for e in events if e.kind == "digest"])
    for name, size in case.registers:
        out.registers[name] = [target.register(name, i) for i in range(size)]
    for name, size in case.counters:
        out.counters[name] = [target.counter(name, i) for i in range(size)]
    counted = {path.rpartition(".")[2]: path for path, t in compiled.info.tables.items() if t.counter is not None}
    for name, all_handles in handles.items():
        if name in counted:  # not the tables of a control that has two instances
            out.direct[name] = [target.counter(counted[name], h) for h in all_handles]
    return out


def _change(case: Case, target: Target, handles: dict[str, list[int]]) -> None:
    """Half-way: the first entry of each table goes, the second gets the action of the third."""
    for table, action, args in case.defaults:
        target.set_default(table, action, args)
    for table, all_handles in handles.items():
        entries = [e for e in case.entries if e.table == table]
        if len(all_handles) < len(entries) or entries[0].member is not None or entries[0].group is not None:
            continue  # some were refused
        if len(all_handles) > 2:
            target.modify(table, all_handles[1], entries[2].action, entries[2].args)
        target.delete(table, all_handles.pop(0))


def differences(case: Case, wanted: Result, got: Result) -> list[str]:
    """Return what differs, as text."""
    out = [f"refused entries: {wanted.refused} and {got.refused}"] if wanted.refused != got.refused else []
    for i, (port, data) in enumerate(case.packets):
        a, b = wanted.outputs[i], got.outputs[i]
        if a != b:
            out.append(f"packet {i} (port {port}, {data.hex()}):\n  evaluator {a}\n  engine    {b}")
        if wanted.digests[i] != got.digests[i]:
            out.append(f"packet {i}: digests\n  evaluator {wanted.digests[i]}\n  engine    {got.digests[i]}")
    if wanted.texts != got.texts:
        out.append(f"messages:\n  evaluator {wanted.texts}\n  engine    {got.texts}")
    for what in ("registers", "counters", "direct"):
        x, y = getattr(wanted, what), getattr(got, what)
        out.extend(f"{what} {n}:\n  evaluator {x[n]}\n  engine    {y[n]}" for n in x if x[n] != y[n])
    return out


Engine = Callable[[Compiled], Target]


def check(case: Case, engine: Engine) -> list[str]:
    """Return the differences of a case.

    Raises:
        CompileError: the program is wrong.
    """
    compiled = compile_text(case.source, f"seed{case.seed}.p4")
    wanted = play(case, compiled, Evaluator(compiled.design, compiled.info))
    return differences(case, wanted, play(case, compiled, engine(compiled)))


def evaluate_only(case: Case) -> Result:
    """Return what the evaluator alone makes of a case."""
    compiled = compile_text(case.source, f"seed{case.seed}.p4")
    return play(case, compiled, Evaluator(compiled.design, compiled.info))


# ---- shrinking ----


def _places(program: list[Node]) -> Iterator[tuple[list[Node], int]]:
    """Give all places where a node can be taken out, the large ones first."""
    queue = [program]
    while queue:
        nodes = queue.pop(0)
        for i in range(len(nodes) - 1, -1, -1):
            yield nodes, i
        queue.extend(n.body for n in nodes)


def shrink(case: Case, still_fails: Callable[[Case], bool], tries: int = 2000) -> Case:
    """Return a smaller case that still fails: nodes, entries and packets are taken out, or replaced by their bodies."""

    def fails(candidate: Case) -> bool:
        try:
            return still_fails(candidate)
        except CallerError:  # it does not compile, or names what was taken out
            return False

    case = case.with_program(case.program)
    progress = True
    while progress and tries > 0:
        progress = False
        for nodes, i in list(_places(case.program)):
            if i >= len(nodes) or tries <= 0:
                continue
            node = nodes[i]
            tries -= 1
            for replacement in ([], node.body if node.body and not node.fixed else None):
                if replacement is None:
                    continue
                nodes[i : i + 1] = replacement
                if fails(case):
                    progress = True
                    break
                nodes[i : i + len(replacement)] = [node]
        lists: tuple[list[Any], ...] = (case.packets, case.entries, case.value_sets)
        for items in lists:
            for i in range(len(items) - 1, -1, -1):
                item = items.pop(i)
                tries -= 1
                if fails(case):
                    progress = True
                else:
                    items.insert(i, item)
    return case


def report(case: Case, found: list[str]) -> str:
    """Return a case and its differences for people."""
    entries = "\n".join(map(str, case.entries))
    return f"seed {case.seed}\n{case.source}\n{entries}\n{case.value_sets}\n" + "\n".join(found[:6])
