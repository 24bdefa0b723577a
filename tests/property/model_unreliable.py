"""What the unreliable services may do to completions and memory: UC and UD.

Unreliable connected (IBTA vol 1, 9.8.2): a responder takes the messages in the order of their PSNs and never goes back,
so each is received whole or not at all, in order, never twice. A message whose packet is missing is given up; the
packets that it had placed by then stay, in the receive buffer (which the next message uses again) or at the target of
the WRITE. So memory is, request after request, some prefix of each request's packets, and all of them where a
completion proves it: an immediate arrives only with the whole.

Unreliable datagram (9.8.3): the PSN is not looked at. Any subset arrives, in any order; a datagram that the network
duplicated arrives twice, because nothing detects that. What arrives is a datagram that was sent, to the byte, after the
40 bytes of GRH, whose place an IPv4 header takes at byte 20 (A17).

On both, a send request completes with success as soon as it is sent, whatever becomes of it (9.8).
"""

import ipaddress
from collections import Counter
from collections.abc import Callable

from tests.property.model import (
    Effect,
    IllegalError,
    Step,
    apply,
    execute,
    judge_counters,
    judge_received,
    judge_send_completions,
    packets,
    require,
    scattered,
)
from tests.property.run import ADDRESSES, Seen
from tests.property.scenario import GRH_BYTES, RECV_ID, Recv, Scenario, Service, Side, gather, initial_memory, other


def judge_unreliable(scenario: Scenario, seen: tuple[Seen, Seen]) -> None:
    """Raise IllegalError unless UC or UD may end like this."""
    judge = judge_uc_receiver if scenario.service is Service.UC else judge_ud_receiver
    for i in range(2):
        ending = judge_send_completions(scenario.sides[i], seen[i])
        require(ending.failed is None, f"request {ending.failed} failed: {ending.status}")
        require(seen[i].state == "RTS", f"state {seen[i].state}")
        require(not [event for event in seen[i].events if event != "COMM_EST"], f"events {seen[i].events}")
        require(not seen[i].counters["retransmitted_pkts"], "an unreliable service sent again")
        _receives_in_order(scenario.sides[other(i)], seen[other(i)])
        judge(scenario, i, seen[other(i)], seen[i])
    judge_counters(scenario, seen)


def _receives_in_order(side: Side, seen: Seen) -> None:
    ids = [wc.wr_id - RECV_ID for wc in seen.recvs]
    require(ids == list(range(len(ids))), f"receives out of order: {ids}")
    require(all(wc.status.name == "SUCCESS" for wc in seen.recvs), "a receive failed", seen.recvs)
    require(all(wc.qp_num == seen.qpn for wc in seen.recvs), "receive of another QP")


def _delivers_all(scenario: Scenario, sender: int) -> bool:
    """Nothing is lost on the way, and every receive is there when its message comes."""
    side, peer = scenario.sides[sender], scenario.sides[other(sender)]
    takers = [op for op in side.ops if op.kind.takes_recv]
    return (
        side.faults.clean
        and scenario.dead_side != sender
        and len(peer.recvs) >= len(takers)
        and all(recv.at_ns <= op.at_ns for op, recv in zip(takers, peer.recvs, strict=False))
    )


# Unreliable connected


def judge_uc_receiver(scenario: Scenario, sender: int, seen: Seen, _sender_seen: Seen) -> None:
    """Receive completions and memory of the side that ``sender`` writes to."""
    side = scenario.sides[other(sender)]
    steps = execute(scenario, sender)
    takers = [step for step in steps if step.recv is not None]
    fits = [[_fits(scenario, sender, step, side.recvs[i], seen, i) for step in takers] for i in range(len(seen.recvs))]
    first, last = _earliest(fits, len(takers)), _latest(fits, len(takers))
    if _delivers_all(scenario, sender):
        require(len(first) == len(takers), f"{len(first)} of {len(takers)} messages received from a clean network")
    expected = bytearray(initial_memory(side))
    certain = {takers[place].number for place, again in zip(first, last, strict=True) if place == again}
    if _delivers_all(scenario, sender):
        certain = {step.number for step in steps}
    _judge_uc_targets(steps, certain, expected, seen)
    _judge_uc_buffers(scenario, sender, takers, first, last, expected, seen)
    require(expected == seen.memory, "memory was written that no request names")
    solicited = [takers[place].op.solicited for place in first]
    if first == last:
        require(seen.notified == any(solicited), f"solicited notification: {seen.notified}")


def _message(scenario: Scenario, sender: int, step: Step) -> bytes:
    side = scenario.sides[sender]
    return gather(side, initial_memory(side), step.op.pieces)


def _fits(scenario: Scenario, sender: int, step: Step, recv: Recv, seen: Seen, place: int) -> bool:
    """Whether receive completion ``place`` may be this message's."""
    wc = seen.recvs[place]
    try:
        judge_received(step.number, step.op, wc.opcode.name, wc.byte_len, wc.wc_flags.name, wc.imm_data)
    except IllegalError:
        return False
    if not step.op.kind.is_send:
        return True
    found = gather(scenario.sides[other(sender)], seen.memory, recv.pieces)
    return found[: step.op.length] == _message(scenario, sender, step)


def _earliest(fits: list[list[bool]], count: int) -> list[int]:
    """Each completion's message if all are as early as possible; increasing: in order and never twice."""
    places: list[int] = []
    for i, row in enumerate(fits):
        start = places[-1] + 1 if places else 0
        place = next((p for p in range(start, count) if row[p]), None)
        if place is None:
            raise IllegalError(f"receive completion {i} is no message that was sent after message {start - 1}")
        places.append(place)
    return places


def _latest(fits: list[list[bool]], count: int) -> list[int]:
    places = _earliest([row[::-1] for row in reversed(fits)], count)
    return [count - 1 - place for place in reversed(places)]


def _explain(seen: Seen, parts: list[list[Effect]], whole: list[bool], expected: bytearray) -> None:
    """Explain bytes by the prefixes of packets of messages that came one after the other, looking from the last.

    A longer prefix that fits never harms: what it explains needs no earlier message. What nothing explains must be as
    ``expected`` has it, to which the bytes found are then written.
    """
    memory = seen.memory
    unexplained = bytearray(len(memory))
    writes = [write for part in parts for effect in part for write in effect]
    for at, data in writes:
        unexplained[at : at + len(data)] = b"\1" * len(data)
    for number in reversed(range(len(parts))):
        placed = 0
        for effect in parts[number]:
            if any(_contradicts(memory, unexplained, at, data) for at, data in effect):
                break
            placed += 1
        require(placed == len(parts[number]) or not whole[number], f"message {number} arrived whole, its bytes did not")
        for effect in parts[number][:placed]:
            for at, data in effect:
                unexplained[at : at + len(data)] = bytes(len(data))
    for at, data in writes:
        end = at + len(data)
        require(
            memory[at:end] == expected[at:end] or not _contradicts(memory, unexplained, at, expected[at:end]),
            f"bytes {at} to {end} of the arena: neither as before nor from a prefix of the messages",
        )
    for at, data in writes:
        expected[at : at + len(data)] = memory[at : at + len(data)]


def _contradicts(memory: bytes, unexplained: bytearray, at: int, data: bytes | bytearray) -> bool:
    """Whether ``data`` differs from memory at a byte that nothing later explains."""
    found = memory[at : at + len(data)]
    if found == data:
        return False
    return any(open_ and a != b for open_, a, b in zip(unexplained[at : at + len(data)], found, data, strict=True))


def _judge_uc_targets(steps: list[Step], certain: set[int], expected: bytearray, seen: Seen) -> None:
    """Targets of WRITEs: prefixes of each in order, all of it where that is certain."""
    writes = [step for step in steps if step.op.kind.is_write]
    _explain(seen, [step.effects for step in writes], [step.number in certain for step in writes], expected)


def _judge_uc_buffers(
    scenario: Scenario,
    sender: int,
    takers: list[Step],
    first: list[int],
    last: list[int],
    expected: bytearray,
    seen: Seen,
) -> None:
    """Receive buffers: the whole message over what given-up messages left since the receive before."""
    side = scenario.sides[other(sender)]
    for i, recv in enumerate(side.recvs[: len(first) + 1]):
        start = first[i - 1] + 1 if i else 0
        end = last[i] if i < len(first) else len(takers)
        parts, whole = [], []
        for step in takers[start:end]:
            if step.op.kind.is_send:
                data = packets(_message(scenario, sender, step), scenario.mtu)[:-1]
                parts.append([scattered(side, recv.pieces, k * scenario.mtu, part) for k, part in enumerate(data)])
                whole.append(False)
        if i < len(first) and takers[last[i]].op.kind.is_send:
            parts.append([scattered(side, recv.pieces, 0, _message(scenario, sender, takers[last[i]]))])
            whole.append(True)
        _explain(seen, parts, whole, expected)


# Unreliable datagram


def judge_ud_receiver(scenario: Scenario, sender: int, seen: Seen, sender_seen: Seen) -> None:
    """Receive completions and memory of the side that ``sender`` sends to."""
    side, mine = scenario.sides[other(sender)], scenario.sides[sender]
    own, expected = initial_memory(mine), bytearray(initial_memory(side))
    datagrams = [gather(mine, own, op.pieces) for op in mine.ops]
    matches: list[list[int]] = []
    for i, wc in enumerate(seen.recvs):
        found = gather(side, seen.memory, side.recvs[i].pieces)
        require(wc.wc_flags.name is not None and "GRH" in wc.wc_flags.name, f"receive {i}: no GRH flag")
        require(wc.src_qp == sender_seen.qpn, f"receive {i}: src_qp {wc.src_qp}, sent by {sender_seen.qpn}")
        require(wc.byte_len >= GRH_BYTES, f"receive {i}: byte_len {wc.byte_len}")
        data = found[GRH_BYTES : wc.byte_len]
        judge_grh(scenario, sender, found[:GRH_BYTES], len(data))
        candidates = [
            number for number, sent in enumerate(datagrams) if sent == data and _same(mine, number, wc_of(seen, i))
        ]
        require(candidates, f"receive {i} is no datagram that was sent")
        matches.append(candidates)
        apply(expected, scattered(side, side.recvs[i].pieces, 0, found[: wc.byte_len]))
    require(expected == seen.memory, "memory was written beside the datagrams")
    extra = sender_seen.port["fault_duplicated"]
    distinct = {tuple(candidates) for candidates in matches}
    repeated = Counter(tuple(candidates) for candidates in matches)
    twice = sum(max(0, repeated[candidates] - len(candidates)) for candidates in distinct)
    require(twice <= extra, f"{twice} datagrams too many, the network duplicated {extra}")
    if mine.faults.in_order:
        _in_order(matches)
    if _delivers_all(scenario, sender):
        require(len(matches) == len(datagrams), f"{len(matches)} of {len(datagrams)} datagrams from a clean network")


def wc_of(seen: Seen, place: int) -> Callable[[], tuple[str, int, str | None, int]]:
    """The contents of a receive completion that judge_received compares."""
    wc = seen.recvs[place]
    return lambda: (wc.opcode.name, wc.byte_len, wc.wc_flags.name, wc.imm_data)


def _same(side: Side, number: int, contents: Callable[[], tuple[str, int, str | None, int]]) -> bool:
    try:
        judge_received(number, side.ops[number], *contents(), grh=GRH_BYTES)
    except IllegalError:
        return False
    return True


def _in_order(matches: list[list[int]]) -> None:
    last = -1
    for i, candidates in enumerate(matches):
        later = [number for number in candidates if number > last]
        require(later, f"receive {i} is datagram {candidates}, after {last}, on a network that keeps the order")
        last = later[0]


def judge_grh(scenario: Scenario, sender: int, grh: bytes, length: int) -> None:
    """The 40 bytes before a datagram: an IPv6 header, or an IPv4 header in the last 20 (A17).

    The ICRC leaves out what routers change (7.8.1, A17): DSCP and ECN, TTL or hop limit. A corrupting network may, too.
    """
    changed = bool(scenario.sides[sender].faults.corrupt)
    source, destination = (ipaddress.ip_address(ADDRESSES[scenario.ipv6][i]).packed for i in (sender, other(sender)))
    if scenario.ipv6:
        require(grh[0] >> 4 == 6, f"GRH: version {grh[0] >> 4}")
        require(changed or grh[:2] == b"\x66\x80", f"GRH: traffic class {grh[:2].hex()}")
        require(grh[6] == 17, f"GRH: next header {grh[6]}")
        require(changed or grh[7] == 17, f"GRH: hop limit {grh[7]}")
        require((grh[8:24], grh[24:40]) == (source, destination), f"GRH: addresses {grh[8:].hex()}")
        at_least, total = 8, int.from_bytes(grh[4:6], "big")
    else:
        ip = grh[20:]
        require(ip[0] == 0x45, f"GRH: version and header length {ip[0]:#x}")
        require(changed or ip[1] == 0x68, f"GRH: DSCP and ECN {ip[1]:#x}")
        require(changed or ip[8] == 17, f"GRH: TTL {ip[8]}")
        require(ip[9] == 17, f"GRH: protocol {ip[9]}")
        require((ip[12:16], ip[16:20]) == (source, destination), f"GRH: addresses {ip[12:].hex()}")
        total16 = sum(int.from_bytes(ip[i : i + 2], "big") for i in range(0, 20, 2))
        require(total16 % 0xFFFF == 0, f"GRH: checksum of {ip.hex()}")
        at_least, total = 28, int.from_bytes(ip[2:4], "big")
    # IP, UDP, BTH, DETH, perhaps an immediate, the payload padded to 4, ICRC.
    body = at_least + 12 + 8 + -(-length // 4) * 4 + 4
    require(total in (body, body + 4), f"GRH: length {total} for {length} bytes")
