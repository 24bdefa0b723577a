"""The table of IBTA behaviours, docs/ibta.md, made of the ``ibta`` marks of the tests.

``python -m tests.ibta`` writes it; tests/test_ibta.py fails when it is not what the marks say.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "ibta.md"
FOLDER = ROOT / "tests" / "unit" / "rdma_verbs"

TITLES = {
    "test_ibta_opcodes.py": "Requests that arrive",
    "test_ibta_responder.py": "NAKs, duplicates and acknowledges of the responder",
    "test_ibta_requester.py": "Requests that leave, their answers and their timers",
    "test_ibta_qp_states.py": "States and attributes of a queue pair",
    "test_ibta_completions.py": "Completions, completion queues, datagrams",
    "test_ibta_srq.py": "Shared receive queues",
    "test_ibta_xrc.py": "Extended reliable connected service",
    "test_ibta_windows.py": "Memory windows and invalidation",
    "test_ibta_placement.py": "ATOMIC WRITE and FLUSH",
    "test_ibta_memory.py": "Regions, keys, illegal calls",
    "test_ibta_regions.py": "Regions registered again, without memory, of all memory, of the device's",
    "test_ibta_vanishing.py": "Memory that is gone",
    "test_ibta_congestion.py": "Congestion notification",
    "test_ibta_multicast.py": "Multicast",
    "test_ibta_drops.py": "Packets that are dropped",
}
# Options and verbs that the specification does not have: a test's name is the behaviour.
BEYOND = {
    "test_recovery.py": ("NAK again, adaptive timeout, endless retries", "ours"),
    "test_selective_repeat.py": ("Selective repeat, and RDMA WRITEs in any order", "ours"),
    "test_cq_moderation.py": ("Moderation of completion queues, clocks", "ibv_modify_cq"),
    "test_rate_limit.py": ("Rate limits", "ibv_modify_qp_rate_limit"),
    "test_drain.py": ("Drain", "ib_drain_qp"),
    "test_counters.py": ("Counters, links that go down", "rdma statistic"),
}
HEAD = """# What of InfiniBand is tested

Behaviours of the InfiniBand Architecture Specification, volume 1 (chapters 9 to 11, annexes A14 for XRC, A17 for
RoCEv2, A19 for ATOMIC WRITE and FLUSH) that the engine is held to, each with its clause and the test that would fail
without it. The tests play the peer packet by packet, in virtual time:
[wirepeer.py](../tests/unit/rdma_verbs/wirepeer.py). Many of them run once for each opcode, NAK, state, attribute, timer
code or count; "..." goes on from the line above.

`python -m tests.ibta` makes this page from the marks of the tests. Where the specification leaves a choice, ours is:

- An operation that the QP's access flags do not grant is an invalid request; R_Key, bounds and rights of a region are
  a remote access error.
- The largest message is 1 GiB, both ways.
- A UC packet whose PSN is up to 2^23 before the expected one is late or doubled, and is dropped.
- CUR_STATE is allowed in every transition, if it is true. Any state goes to ERR, RESET too.
- A duplicate READ may ask for any part of what its PSNs first stood for, and for nothing else.
- A receive that a message had begun to fill, when the peer breaks the protocol, is flushed.
- SEND with invalidate of a key that it may not invalidate is a remote access error, found before its data is placed.
- FLUSH and ATOMIC WRITE count as READs for max_rd_atomic, max_dest_rd_atomic and fences. A duplicate of either is
  answered again and not executed again. The key of a memory window never grants a FLUSH.
- XRC: a request that names a queue of another domain, or another queue than the message began with, is an invalid
  request. Keys of every request are those of the named queue's domain. A target leaves type 2 windows alone.
- Members of a group on the sender's own device have their copies from the device, the sender too; what the network
  gives back of the device's own is dropped.
- An SRQ limit above what the queue holds fires at once, so that no event is lost between posting and arming.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One behaviour, the clause that asks for it, and the test."""

    file: str
    test: str
    clause: str
    behaviour: str


def rows(source: str, file: str) -> Iterator[Row]:
    """Every ``@pytest.mark.ibta(clause, behaviour)`` in the text of a test file."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in reversed(node.decorator_list):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.ibta":
                clause, behaviour = (ast.literal_eval(arg) for arg in mark.args)
                yield Row(file, node.name, clause, behaviour)


def page() -> str:
    """Return what docs/ibta.md must hold."""
    text = [HEAD]
    for file, title in TITLES.items():
        text.append(f"## {title}\n\nIn [{file}](../tests/unit/rdma_verbs/{file}):\n")
        text.append("| behaviour | clause | test |\n| --- | --- | --- |")
        source = (FOLDER / file).read_text(encoding="utf-8")
        text += [f"| {r.behaviour} | {r.clause} | `{r.test}` |" for r in rows(source, file)]
        text.append("")
    for file, (title, verb) in BEYOND.items():
        text.append(f"## {title}\n\nIn [{file}](../tests/unit/rdma_verbs/{file}), beyond the specification ({verb}):\n")
        text.append("| behaviour | test |\n| --- | --- |")
        source = (FOLDER / file).read_text(encoding="utf-8")
        names = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        text += [f"| {n[5:].replace('_', ' ')} | `{n}` |" for n in names if n.startswith("test_")]
        text.append("")
    return "\n".join(text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
