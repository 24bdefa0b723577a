"""What a reliable connection may do to completions and memory: the rules of the IBTA, written down a second time.

The model knows nothing of packets lost or sent again. It executes the work requests of a side one after the other, as
volume 1 of the InfiniBand architecture says a responder sees them, and then decides whether what was observed is one of
the results that are allowed:

* A responder executes request packets in the order of their PSNs, each once (9.7.4). So the other side's memory is
  what some number of request packets leaves behind, in order: an executed prefix. A request that ended in success is
  within it; when all did, the prefix is everything.
* The requester's completions come in the order of posting: successes (those that were asked for), then at most one
  error, then every later request flushed (10.8.3). An error completes whether it was asked for or not (10.7.3.1).
* An ATOMIC executes at its place in the order, once, and a duplicate is answered with the stored result (9.7.4.1.4,
  9.7.8), so its result and effect are exact. A READ may be executed again for a duplicate, and later requests may
  execute before it is complete, unless fenced (table 79 in 10.8.3.3), nor more than max_rd_atomic at a time: each of
  its bytes is the one at its place in the order or one that a later request wrote which may have been under way.
* ATOMIC WRITE is a WRITE that executes at its place in the order, once, and FLUSH changes nothing; both count as READs
  for fences and max_rd_atomic (A19).
* A request that failed has placed the packets before the first that is missing: for a READ, a prefix in the landing
  place; for a SEND or WRITE, a prefix at the peer. Nothing else was touched.
* Nothing is written outside the regions, to regions that only were gathered from, or beside the pieces.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

from tests.property.run import Seen
from tests.property.scenario import (
    RECV_ID,
    Kind,
    Op,
    Piece,
    Scenario,
    Side,
    gather,
    initial_memory,
    other,
    region_at,
    spans,
)

WC_OPCODE = {
    Kind.SEND: "SEND",
    Kind.SEND_IMM: "SEND",
    Kind.WRITE: "RDMA_WRITE",
    Kind.WRITE_IMM: "RDMA_WRITE",
    Kind.READ: "RDMA_READ",
    Kind.CAS: "COMP_SWAP",
    Kind.FAA: "FETCH_ADD",
    Kind.ATOMIC_WRITE: "ATOMIC_WRITE",
    Kind.FLUSH: "FLUSH",
}
RNR_TIMER_US = {1: 10, 2: 20, 5: 60}
"""IBTA vol 1, table 45, the codes that the strategies draw."""

Effect = list[tuple[int, bytes]]
"""What a request packet writes: (start in the arena, bytes)."""


class IllegalError(AssertionError):
    """What was observed is not among the allowed results."""


def require(fact: object, *words: object) -> None:
    """Raise IllegalError unless ``fact``."""
    if not fact:
        raise IllegalError(" ".join(str(word) for word in words))


@dataclass(slots=True)
class Step:
    """One request, as executed in its place."""

    number: int
    op: Op
    start: int
    """Request packets before it; a READ or atomic is one."""
    effects: list[Effect] = field(default_factory=list)
    """By packet."""
    recv: int | None = None
    """The receive that it takes, if it takes one."""
    result: bytes = b""
    """READ, atomic: what comes back when nothing else is under way."""
    vague: bool = False
    """What comes back is not known: RDMA WRITEs in any order and an atomic meet there."""
    later: list[tuple[int, bytes]] = field(default_factory=list)
    """READ: what requests under way at the same time write into the range, as (offset in the READ, bytes)."""

    @property
    def end(self) -> int:
        return self.start + len(self.effects)


def scattered(side: Side, pieces: tuple[Piece, ...], offset: int, data: bytes) -> Effect:
    """Where ``data`` goes that is ``offset`` bytes into a message."""
    effect = []
    for at, length in spans(side, pieces):
        if data and offset < length:
            part = data[: length - offset]
            effect.append((at + offset, part))
            data = data[len(part) :]
            offset = 0
        else:
            offset = max(0, offset - length)
    return effect


def packets(data: bytes, mtu: int) -> list[bytes]:
    """The payloads of a message; an empty message is one empty packet."""
    return [data[i : i + mtu] for i in range(0, max(1, len(data)), mtu)]


def apply(memory: bytearray, effect: Effect) -> None:
    for at, data in effect:
        memory[at : at + len(data)] = data


def execute(scenario: Scenario, requester: int) -> list[Step]:
    """Execute all requests of a side in order on the other side's memory."""
    mine, peer = scenario.sides[requester], scenario.sides[other(requester)]
    own, memory = initial_memory(mine), bytearray(initial_memory(peer))
    steps: list[Step] = []
    recvs = packet = 0
    for number, op in enumerate(mine.ops):
        step = Step(number, op, packet)
        target = region_at(peer, op.remote[0]) + op.remote[1]
        if op.kind.takes_recv:
            step.recv = recvs
            recvs += 1
        if op.kind is Kind.READ:
            step.result = bytes(memory[target : target + op.length])
            step.effects = [[]]
        elif op.kind.is_atomic:
            step.result = bytes(memory[target : target + 8])
            old = int.from_bytes(step.result, "little")
            new = (old + op.operand) % (1 << 64) if op.kind is Kind.FAA else op.operand if old == op.compare else old
            step.effects = [[(target, new.to_bytes(8, "little"))]]
        elif op.kind is Kind.ATOMIC_WRITE:
            step.effects = [[(target, gather(mine, own, op.pieces))]]
        elif op.kind is Kind.FLUSH:
            step.effects = [[]]
        else:
            parts = packets(gather(mine, own, op.pieces), scenario.mtu)
            for i, part in enumerate(parts):
                at = i * scenario.mtu
                if op.kind.is_write:
                    step.effects.append([(target + at, part)])
                elif step.recv is not None and step.recv < len(peer.recvs):
                    step.effects.append(scattered(peer, peer.recvs[step.recv].pieces, at, part))
                else:
                    step.effects.append([])
        for effect in step.effects:
            apply(memory, effect)
        packet = step.end
        steps.append(step)
    if scenario.unordered:
        loosen(peer, steps)
    for read in steps:
        if read.op.kind is Kind.READ:
            target = region_at(peer, read.op.remote[0]) + read.op.remote[1]
            for step in may_overtake(steps, read.number, mine.max_rd_atomic):
                for at, data in (write for effect in step.effects for write in effect):
                    read.later += overlap(target, read.op.length, at, data)
    return steps


def loosen(peer: Side, steps: list[Step]) -> None:
    """RDMA WRITEs may land before their turn: what a READ or an atomic sees of them is not certain."""
    writes = [write for step in steps if step.op.kind.is_write for effect in step.effects for write in effect]
    unsure = list(writes)
    for step in steps:
        if step.op.kind.is_rd:
            target = region_at(peer, step.op.remote[0]) + step.op.remote[1]
            if step.op.kind is Kind.READ:
                step.later += [part for at, data in writes for part in overlap(target, step.op.length, at, data)]
                step.vague = any(overlap(target, step.op.length, at, data) for at, data in unsure[len(writes) :])
            elif any(overlap(target, 8, at, data) for at, data in writes):
                step.vague = True
                unsure.append((target, bytes(8)))


def overlap(target: int, length: int, at: int, data: bytes) -> Effect:
    """The part of a write that falls into a range, relative to its start."""
    first, last = max(target, at), min(target + length, at + len(data))
    return [(first - target, data[first - at : last - at])] if first < last else []


def may_overtake(steps: list[Step], first: int, max_rd_atomic: int) -> list[Step]:
    """The requests after ``first`` that may execute while it is not complete: up to a fence, or one READ too many."""
    outstanding = 0
    found = []
    for step in steps[first:]:
        if step.op.fence and outstanding:
            break
        if step.op.kind.is_rd:
            if outstanding >= max_rd_atomic:
                break
            outstanding += 1
        found.append(step)
    return found[1:]


def allowed(read: Step, initial: bytes) -> list[set[int]]:
    """The values that each byte of a READ may have."""
    values = [{byte} for byte in initial]
    for offset, data in read.later:
        for i, byte in enumerate(data, offset):
            values[i].add(byte)
    return values


# Requester


@dataclass(slots=True)
class Ending:
    """How a side's send queue ended."""

    failed: int | None = None
    """The request that failed."""
    status: str = "SUCCESS"
    at_ps: int = 0


def judge_send_completions(side: Side, seen: Seen) -> Ending:
    """Sequence, status and contents of the send queue's completions."""
    queue = list(seen.sends)
    ending = Ending()
    for number, op in enumerate(side.ops):
        wc = queue[0] if queue and queue[0].wr_id == number else None
        if wc is None:
            require(ending.failed is None, f"request {number} was not flushed after {ending.status}; left: {queue}")
            require(not side.signals(op), f"no completion of request {number} ({op.kind.value}); left: {queue}")
            continue
        del queue[0]
        require(wc.qp_num == seen.qpn, f"request {number}: qp_num {wc.qp_num}")
        status = wc.status.name
        if ending.failed is not None:
            require(status == "WR_FLUSH_ERR", f"request {number} after the failed one: {status}")
            continue
        if status == "SUCCESS":
            require(side.signals(op), f"request {number} was not signalled")
            require(wc.opcode.name == WC_OPCODE[op.kind], f"request {number}: opcode {wc.opcode.name}")
            if op.kind.is_rd:
                require(wc.byte_len == op.length, f"request {number}: byte_len {wc.byte_len}")
            continue
        ending = Ending(number, status, wc.timestamp_ps)
    require(not queue, f"completions too many, twice or out of order: {queue}")
    return ending


def judge_landing(scenario: Scenario, requester: int, steps: list[Step], ending: Ending, seen: Seen) -> Effect:
    """What READs and atomics brought to the requester: checked, and returned as what its memory must hold there."""
    side = scenario.sides[requester]
    initial = initial_memory(side)
    landed: Effect = []
    # With selective repeat, responses land before it is known that an earlier request fails.
    whole = ending.failed is None or scenario.selective
    for step in steps if whole else steps[: (ending.failed or 0) + 1]:
        op = step.op
        if not op.kind.lands:
            continue
        found = gather(side, seen.memory, op.pieces)
        before = gather(side, initial, op.pieces)
        placed = found
        if ending.failed is not None and step.number >= ending.failed:
            found = _landed_prefix(scenario, step, ending.failed, found, before)
        if not scenario.selective:
            placed = found
        if step.vague:
            pass
        elif op.kind.is_atomic:
            require(
                found in (step.result, b""), f"{op.kind.value} {step.number}: {found.hex()}, not {step.result.hex()}"
            )
        elif not step.later:
            require(found == step.result[: len(found)], f"READ {step.number}: wrong bytes")
        elif found != step.result[: len(found)]:
            for i, (byte, values) in enumerate(zip(found, allowed(step, step.result), strict=False)):
                require(byte in values, f"READ {step.number}: byte {i} is {byte:#x}, allowed {values}")
        landed += scattered(side, op.pieces, 0, placed)
    return landed


def _landed_prefix(scenario: Scenario, step: Step, failed: int, found: bytes, before: bytes) -> bytes:
    """The packets of a failed READ that were placed: what must differ from before, in whole packets, but not all."""
    if step.op.kind.is_atomic:
        return b"" if found == before else found
    if scenario.selective:
        return _landed_in_part(scenario, step, found, before, step.number == failed)
    changed = max((i + 1 for i, (a, b) in enumerate(zip(found, before, strict=True)) if a != b), default=0)
    placed = -(-changed // scenario.mtu)
    require(placed < len(packets(found, scenario.mtu)), f"READ {step.number} failed, but its last packet was placed")
    return found[: placed * scenario.mtu]


def _landed_in_part(scenario: Scenario, step: Step, found: bytes, before: bytes, failed: bool) -> bytes:
    """Any packets of the READ, not all if it failed: the bytes that were not placed count as right."""
    mtu = scenario.mtu
    parts = packets(found, mtu)
    missing = [i for i, part in enumerate(parts) if part == before[i * mtu : i * mtu + len(part)]]
    require(not failed or missing or not found, f"READ {step.number} failed, but all of its packets were placed")
    for i in missing:
        parts[i] = step.result[i * mtu : i * mtu + len(parts[i])]
    return b"".join(parts)


# Responder


def judge_recv_completions(scenario: Scenario, responder: int, steps: list[Step], seen: Seen) -> int:
    """Sequence and contents of the receive completions. Returns how many messages were received."""
    side, peer = scenario.sides[responder], scenario.sides[other(responder)]
    takers = [step for step in steps if step.recv is not None]
    good = [wc for wc in seen.recvs if wc.status.name == "SUCCESS"]
    rest = seen.recvs[len(good) :]
    require(
        [wc.wr_id - RECV_ID for wc in seen.recvs] == list(range(len(seen.recvs))), "receives out of order", seen.recvs
    )
    require(len(good) <= len(takers), f"{len(good)} messages received, {len(takers)} sent")
    for step, wc in zip(takers, good, strict=False):
        judge_received(step.number, step.op, wc.opcode.name, wc.byte_len, wc.wc_flags.name, wc.imm_data)
        require(wc.qp_num == seen.recv_qpn, f"receive: qp_num {wc.qp_num}")
        posted_ps = side.recvs[wc.wr_id - RECV_ID].at_ns * 1000
        require(wc.timestamp_ps >= max(posted_ps, peer.ops[step.number].at_ns * 1000), "received before it was posted")
    require(all(wc.status.name == "WR_FLUSH_ERR" for wc in rest), "receives: success after a flush, or an error", rest)
    expected = len(side.recvs) - len(good) if seen.recv_state == "ERR" else 0
    require(len(rest) == expected, f"{len(rest)} receives flushed in state {seen.recv_state}, {expected} expected")
    solicited = any(step.op.solicited for step, _ in zip(takers, good, strict=False))
    errors = bool(rest) or (side.shared_cq and any(wc.status.name != "SUCCESS" for wc in seen.sends))
    require(seen.notified == (solicited or errors), f"solicited notification: {seen.notified}")
    return len(good)


def judge_received(number: int, op: Op, opcode: str, byte_len: int, flags: str | None, imm: int, grh: int = 0) -> None:
    """Contents of one successful receive completion."""
    name = f"receive of request {number} ({op.kind.value})"
    require(opcode == ("RECV" if op.kind.is_send else "RECV_RDMA_WITH_IMM"), f"{name}: opcode {opcode}")
    require(byte_len == op.length + grh, f"{name}: byte_len {byte_len}, sent {op.length}")
    with_imm = "WITH_IMM" in (flags or "")
    require(with_imm == op.kind.has_imm, f"{name}: flags {flags}")
    require(not with_imm or imm == op.imm, f"{name}: immediate {imm:#x}, sent {op.imm:#x}")


def executed_range(scenario: Scenario, requester: int, steps: list[Step], ending: Ending) -> tuple[int, int]:
    """The fewest and the most request packets that the responder may have executed."""
    total = steps[-1].end if steps else 0
    if ending.failed is None:
        return total, total
    side, peer = scenario.sides[requester], scenario.sides[other(requester)]
    failed = steps[ending.failed]
    reach = [failed, *may_overtake(steps, ending.failed, side.max_rd_atomic)]
    most = reach[-1].end
    for step in reach:
        if step.recv is not None and step.recv >= len(peer.recvs):  # nothing passes a message without a receive
            most = step.start if step.op.kind.is_send else step.end - 1
            break
    return failed.start, most


def judge_memory(
    scenario: Scenario,
    responder: int,
    steps: list[Step],
    bounds: tuple[int, int],
    received: int,
    landed: Effect,
    seen: Seen,
) -> int:
    """The responder's whole arena: an executed prefix, what it fetched itself, and nothing else.

    Returns how many request packets were executed, the fewest if that cannot be told.
    """
    expected = bytearray(initial_memory(scenario.sides[responder]))
    apply(expected, landed)
    if scenario.unordered:
        judge_unordered(expected, steps, bounds, seen)
        return bounds[0]
    every = [effect for step in steps for effect in step.effects]
    takers = [step.end for step in steps if step.recv is not None]
    nearest = ""
    for count in range(bounds[1] + 1):
        if count:
            apply(expected, every[count - 1])
        if count < bounds[0] or bisect_left(takers, count + 1) != received:
            continue
        found = seen.memory
        for first, last in may_be_anything(scenario, other(responder), steps, count):
            found = found[:first] + bytes(expected[first:last]) + found[last:]
        if expected == found:
            return count
        wrong = next(i for i, (a, b) in enumerate(zip(expected, found, strict=True)) if a != b)
        nearest += f" {count}: byte {wrong} of the arena;"
    raise IllegalError(
        f"memory is no executed prefix of {bounds[0]} to {bounds[1]} request packets with {received} messages received;"
        f" first difference with{nearest}"
    )


def may_be_anything(scenario: Scenario, requester: int, steps: list[Step], count: int) -> list[tuple[int, int]]:
    """Bytes, (first, end), that a damaged packet may have left at the responder: of the packet after the prefix.

    A receiver may copy the next packet of a WRITE that has begun while it sums it; if it is damaged, the packet that is
    sent again writes there, and if none comes the WRITE has failed, which says nothing of its memory. The last 8 bytes,
    which programs poll, wait for the sum.
    """
    damaged = scenario.sides[requester].faults.corrupt
    return [
        (at, at + len(data) - 8)
        for step in steps
        if damaged and step.op.kind.is_write and step.start < count < step.end
        for at, data in step.effects[count - step.start]
        if len(data) > 8
    ]


def judge_unordered(before: bytearray, steps: list[Step], bounds: tuple[int, int], seen: Seen) -> None:
    """RDMA WRITEs landed in any order, each packet of those that are complete at least once; the rest in order."""
    values: dict[int, set[int]] = {}
    for step in steps:
        for i, effect in enumerate(step.effects):
            for at, data in effect:
                executed = step.start + i < bounds[0]
                for place, byte in enumerate(data, at):
                    known = values.setdefault(place, set() if executed else {before[place]})
                    if step.op.kind.is_atomic:
                        known.update(range(256))
                    elif step.start + i < bounds[1] or step.op.kind.is_write:
                        known.add(byte)
    for place, (byte, old) in enumerate(zip(seen.memory, before, strict=True)):
        if byte != old or place in values:
            allowed_here = values.get(place, {old})
            require(byte in allowed_here, f"byte {place} of the arena is {byte:#x}, allowed {sorted(allowed_here)}")


# Both


def judge_ending(scenario: Scenario, requester: int, ending: Ending, seen: tuple[Seen, Seen]) -> None:
    """Whether the failure, if any, is one that may happen, after as many retries as were asked for."""
    mine, theirs = seen[requester], seen[other(requester)]
    side = scenario.sides[requester]
    counters = mine.counters
    clean = scenario.clean
    attempts = counters["timeouts"] + counters["completer_retry_err"]
    require(mine.state == ("RTS" if ending.failed is None else "ERR"), f"state {mine.state} after {ending.status}")
    require(not [event for event in mine.events if event != "COMM_EST"], f"events {mine.events}")
    for status, counter in (
        ("RETRY_EXC_ERR", "retry_exceeded_err"),
        ("RNR_RETRY_EXC_ERR", "retry_rnr_exceeded_err"),
    ):
        require(counters[counter] == (ending.status == status), f"{counter} {counters[counter]} after {ending.status}")
    if clean and theirs.recv_state == "RTS":
        require(ending.status in ("SUCCESS", "RNR_RETRY_EXC_ERR"), f"{ending.status} on a clean network")
        require(not attempts, f"{attempts} retries on a clean network")
    if ending.status == "RETRY_EXC_ERR":
        require(attempts > side.retry_cnt, f"gave up after {attempts - 1} retries, retry_cnt is {side.retry_cnt}")
        if "ADAPTIVE_TIMEOUT" not in scenario.recovery[requester]:
            judge_dead_link(side, mine, ending)
    elif ending.status == "RNR_RETRY_EXC_ERR":
        judge_rnr(scenario, requester, ending, mine)
    else:
        require(ending.status == "SUCCESS", f"request {ending.failed}: {ending.status}")


def judge_dead_link(side: Side, seen: Seen, ending: Ending) -> None:
    """Once nothing arrives any more: exactly the retries that are left, each after the timeout."""
    if seen.quiet is None or seen.quiet["retry_exceeded_err"]:
        return
    before = seen.quiet["timeouts"] + seen.quiet["completer_retry_err"]
    after = seen.counters["timeouts"] - seen.quiet["timeouts"]
    require(seen.counters["completer_retry_err"] == seen.quiet["completer_retry_err"], "retried without a timeout")
    least = max(1, side.retry_cnt + 1 - before)
    require(least <= after <= side.retry_cnt + 1, f"{after} timeouts on a dead link, {least} to {side.retry_cnt + 1}")


def judge_outages(ending: Ending, seen: Seen) -> None:
    """Outages that are over before the retries are: progress gives all retries back (9.7.6.1.3), so all succeeds."""
    require(ending.status == "SUCCESS", f"request {ending.failed} failed: {ending.status}")
    require(seen.state == "RTS", f"state {seen.state}")


def judge_gaps(gaps: int, requester: Seen, responder: Seen) -> None:
    """Each gap was NAKed, once (9.7.5.2.6), and the requester went back at once: no timer was needed."""
    require(responder.counters["sent_naks"] == gaps, f"{responder.counters['sent_naks']} NAKs for {gaps} gaps")
    require(requester.counters["completer_retry_err"] == gaps, f"went back {requester.counters['completer_retry_err']}")
    require(not requester.counters["timeouts"], f"{requester.counters['timeouts']} timeouts")


def judge_rnr(scenario: Scenario, requester: int, ending: Ending, seen: Seen) -> None:
    """RNR_RETRY_EXC: the peer had no receive, and said so once more than ``rnr_retry`` times."""
    side, peer = scenario.sides[requester], scenario.sides[other(requester)]
    assert ending.failed is not None
    op = side.ops[ending.failed]
    require(side.rnr_retry != 7, "RNR retries exceeded, but rnr_retry 7 is for ever")
    require(op.kind.takes_recv, f"RNR retries exceeded by {op.kind.value}, which takes no receive")
    require(seen.counters["rcvd_rnr_err"] > side.rnr_retry, f"{seen.counters['rcvd_rnr_err']} RNR NAKs")
    wait_ns = side.rnr_retry * RNR_TIMER_US[peer.min_rnr_timer] * 1000
    require(ending.at_ps >= (op.at_ns + wait_ns) * 1000, "gave up before the RNR waits were over")
    place = sum(before.kind.takes_recv for before in side.ops[: ending.failed])
    if place < len(peer.recvs):
        latest_ns = peer.recvs[place].at_ns + scenario.quiet_ns
        require(ending.at_ps <= latest_ns * 1000, "RNR NAK for a receive that had been posted")


def judge_counters(scenario: Scenario, seen: tuple[Seen, Seen]) -> None:
    """What was sent, lost, added and received adds up; completions and counters agree."""
    for number, (mine, theirs) in enumerate((seen, seen[::-1])):
        counters, port = mine.counters, theirs.port
        sent, received = mine.counters["sent_pkts"], theirs.counters["rcvd_pkts"]
        arrived = sent - port_lost(mine) + mine.port["fault_duplicated"]
        dropped = sum(n for name, n in theirs.counters.items() if name.startswith("drop_"))
        require(mine.port["tx_frames"] == sent, f"side {number}: {sent} packets, {mine.port['tx_frames']} frames")
        require(received <= arrived <= received + dropped, f"{arrived} packets arrived, {received} + {dropped} counted")
        good = sum(wc.status.name == "SUCCESS" for wc in mine.recvs)
        require(counters["rdma_recvs"] == good, f"rdma_recvs {counters['rdma_recvs']}, {good} receives completed")
        require(not port["tx_errors"] and not port["rx_invalid"], f"port {port}")
        if scenario.sides[number].faults.clean and scenario.dead_side != number:
            require(not theirs.counters["drop_bad_icrc"], "bad ICRC on a clean network")


def port_lost(seen: Seen) -> int:
    return seen.port["fault_dropped"]


def judge_rc(scenario: Scenario, seen: tuple[Seen, Seen]) -> tuple[Ending, Ending]:
    """Raise IllegalError unless a reliable connection may end like this. Returns how both send queues ended."""
    steps = [execute(scenario, i) for i in range(2)]
    endings = [judge_send_completions(scenario.sides[i], seen[i]) for i in range(2)]
    landed = [judge_landing(scenario, i, steps[i], endings[i], seen[i]) for i in range(2)]
    for i in range(2):
        peer = other(i)
        judge_ending(scenario, i, endings[i], seen)
        received = judge_recv_completions(scenario, peer, steps[i], seen[peer])
        bounds = executed_range(scenario, i, steps[i], endings[i])
        judge_memory(scenario, peer, steps[i], bounds, received, landed[peer], seen[peer])
    judge_counters(scenario, seen)
    return endings[0], endings[1]
