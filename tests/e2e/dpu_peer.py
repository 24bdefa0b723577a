"""Our verbs in a process of its own, driven like Soft-RoCE in a guest: the near end of end-to-end tests.

Executes the commands of :mod:`tests.e2e.guest.commands`, as :mod:`tests.e2e.guest.rxe_peer` does, on a software DPU at
an address of the namespace it runs in. They come on standard input, one JSON object a line; each gets one line back.
Of its own are ``faults`` (what the port loses from now on), ``flush`` (of the capture) and ``stats`` (of the port).

    python -m tests.e2e.dpu_peer ADDRESS [--capture FILE] [--recovery NAME,NAME] [--dcqcn MBPS]
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from datapath.port import Capture, CapturePort, Direction, FaultAction, FaultPort, Faults, Rule, Wrapper
from rdma_verbs import (
    AH,
    CQ,
    GID,
    MR,
    MW,
    PD,
    QP,
    SGE,
    SRQ,
    WC,
    AccessFlags,
    AHAttr,
    CongestionControl,
    Context,
    DeviceConfig,
    Mtu,
    MWBind,
    MWBindInfo,
    MwType,
    QPAttr,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    Recovery,
    RecvWR,
    SendFlags,
    SendWR,
    SrqAttr,
    SrqAttrMask,
    SrqInitAttr,
    WcFlags,
    WrOpcode,
)
from rdma_verbs.enums import QpAttrMask as Mask
from tests.e2e.guest.commands import ATTRIBUTES, Command, Reply, VerbsCommands


def access_of(names: list[str]) -> AccessFlags:
    """Return the union of access flags."""
    return reduce(or_, (AccessFlags[name] for name in names), AccessFlags(0))


class Node(VerbsCommands):
    """One software DPU with all the objects that commands have made on it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.pd = PD(context)

    def close(self, made: Any) -> None:
        if not isinstance(made, AH):  # a value, here
            made.close()

    # Device and port

    def op_counters(self, _: Command) -> Reply:
        return {"counters": self.context.counters()}

    def op_stats(self, _: Command) -> Reply:
        base, layers = self.context.port, [self.context.port.stats()]
        while base.inner:
            base = base.inner
            layers.append(base.stats())
        return {"outer": layers[0], "base": layers[-1]}

    def op_faults(self, command: Command) -> Reply:
        port = self.context.port
        assert isinstance(port, FaultPort)
        rules = [
            Rule.on_packet(count=0, action=FaultAction[rule["action"]], direction=Direction(rule["direction"]))
            for rule in command.get("rules", ())
        ]
        port.set(Faults(**command["faults"], rules=rules))
        return {}

    def op_flush(self, _: Command) -> Reply:
        capture = self.context.port.inner
        assert isinstance(capture, CapturePort)
        capture.flush()
        return {"frames": capture.frames, "lost": capture.lost}

    def op_next_event(self, command: Command) -> Reply:
        """Return the type of the next asynchronous event, or None if none comes within ``timeout_ms``."""
        deadline = time.monotonic() + command.get("timeout_ms", 0) / 1000
        while (event := self.context.next_event()) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        return {"event": event.type.name if event else None}

    # Memory

    def op_create_mr(self, command: Command) -> Reply:
        mr = self.mrs[command["name"]] = MR(self.pd, command["length"], access_of(command["access"]))
        return {"addr": mr.addr, "lkey": mr.lkey, "rkey": mr.rkey}

    def write(self, mr: MR, data: bytes, offset: int) -> None:
        mr.write(data, offset)

    def op_create_mw(self, command: Command) -> Reply:
        mw = self.mws[command["name"]] = MW(self.pd, MwType(command["type"]))
        return {"rkey": mw.rkey}

    # Queues

    def new_cq(self, entries: int) -> CQ:
        return CQ(self.context, entries)

    def op_create_srq(self, command: Command) -> Reply:
        self.srqs[command["name"]] = SRQ(self.pd, SrqInitAttr(SrqAttr(command["max_wr"])))
        return {}

    def op_arm_srq(self, command: Command) -> Reply:
        """Ask for an event when fewer than ``limit`` receives are left."""
        self.srqs[command["srq"]].modify(SrqAttr(srq_limit=command["limit"]), SrqAttrMask.LIMIT)
        return {}

    def new_qp(self, command: Command, send_cq: CQ, recv_cq: CQ) -> QP:
        cap = QPCap(command.get("max_send_wr", 128), command.get("max_recv_wr", 128))
        srq = self.srqs[command["srq"]] if "srq" in command else None
        return QP(self.pd, QPInitAttr(QpType[command["type"]], send_cq, recv_cq, cap, srq=srq))

    def modify(self, qp: QP, attributes: dict[str, Any]) -> None:
        readers: dict[str, Callable[[Any], Any]] = {
            "qp_state": lambda name: QpState[name],
            "ah_attr": self._ah_attr,
            "path_mtu": lambda size: next(mtu for mtu in Mtu if mtu.bytes == size),
            "qp_access_flags": access_of,
        }
        values = {key: readers[key](value) if key in readers else value for key, value in attributes.items()}
        mask = reduce(or_, (Mask[ATTRIBUTES[key]] for key in attributes))
        qp.modify(dataclasses.replace(QPAttr(), **values), mask)

    def op_qp_state(self, command: Command) -> Reply:
        attr = self.qps[command["qp"]].query()
        return {"state": attr.qp_state.name, "sq_psn": attr.sq_psn, "rq_psn": attr.rq_psn}

    def op_create_ah(self, command: Command) -> Reply:
        self.ahs[command["name"]] = AH(self.pd, self._ah_attr(command["ah"]))
        return {}

    # Work requests

    def recv_wr(self, request: Command) -> RecvWR:
        return RecvWR(request["wr_id"], self._sges(request))

    def post_sends(self, qp: QP, requests: list[Command]) -> None:
        qp.post_send([self._send_wr(request) for request in requests])

    def op_bind_mw(self, command: Command) -> Reply:
        """Post the bind of a window to a range and return the key that it will have; that of type 2 is given."""
        qp, mr, mw = self.qps[command["qp"]], self.mrs[command["mr"]], self.mws[command["mw"]]
        wr_id, rkey = command["wr_id"], command["rkey"]
        info = MWBindInfo(mr, mr.addr + command.get("offset", 0), command["length"], access_of(command["access"]))
        if rkey is None:
            return {"rkey": qp.bind_mw(mw, MWBind(info, wr_id))}
        qp.post_send(SendWR(wr_id, WrOpcode.BIND_MW, mw=mw, rkey=rkey, bind=info))
        return {"rkey": rkey}

    def poll(self, cq: CQ, most: int) -> list[Reply]:
        return [_completion(wc) for wc in cq.poll(most)]

    def _send_wr(self, request: Command) -> SendWR:
        flags = SendFlags(0)
        for name in request.get("flags", ["SIGNALED"]):
            flags |= SendFlags[name]
        names = ("remote_addr", "rkey", "compare_add", "swap", "remote_qpn", "remote_qkey", "invalidate_rkey")
        return SendWR(
            wr_id=request["wr_id"],
            opcode=WrOpcode[request["opcode"]],
            sg=self._sges(request),
            send_flags=flags,
            imm_data=request.get("imm", 0),
            ah=self.ahs[request["ah"]] if "ah" in request else None,
            **{name: request[name] for name in names if name in request},
        )

    def _sges(self, request: Command) -> list[SGE]:
        """Return scatter/gather entries: region, offset, length, and a wrong lkey if one is given."""
        entries = []
        for sge in request.get("sges", []):
            mr = self.mrs[sge["mr"]]
            entries.append(SGE(mr.addr + sge.get("offset", 0), sge["length"], sge.get("lkey", mr.lkey)))
        return entries

    def _ah_attr(self, ah: Command) -> AHAttr:
        return AHAttr(
            dgid=GID.of(ah["gid"]),
            sgid_index=ah["gid_index"],
            hop_limit=ah.get("hop_limit", 64),
            traffic_class=ah.get("traffic_class", 0),
            flow_label=ah.get("flow_label", 0),
        )


def _completion(wc: WC) -> Reply:
    reply: Reply = {"wr_id": wc.wr_id, "status": wc.status.name, "qpn": wc.qp_num, "opcode": wc.opcode.name}
    reply |= {"byte_len": wc.byte_len, "src_qpn": wc.src_qp, "vendor_err": wc.vendor_err, "wc_flags": int(wc.wc_flags)}
    if wc.wc_flags & WcFlags.WITH_IMM:
        reply["imm"] = wc.imm_data
    if wc.wc_flags & WcFlags.WITH_INV:
        reply["invalidated_rkey"] = wc.invalidated_rkey
    return reply


def main() -> int:
    """Open the device, then obey until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--capture")
    parser.add_argument("--recovery", type=lambda text: reduce(or_, (Recovery[name] for name in text.split(","))))
    parser.add_argument("--dcqcn", type=int, metavar="MBPS", help="congestion control, for a link of this rate")
    options = parser.parse_args()
    config = DeviceConfig(
        recovery=options.recovery or Recovery.GO_BACK_N,
        cc=CongestionControl.dcqcn(max_rate=options.dcqcn) if options.dcqcn else CongestionControl.none(),
    )
    wrappers: list[Wrapper] = []
    if options.capture:
        wrappers.append(Capture(options.capture, unix_ns=time.time_ns()))
    wrappers.append(Faults())
    with Context.open(options.address, config=config, wrappers=wrappers) as context:
        node = Node(context)
        print(json.dumps({"id": 0, "ok": True}), flush=True)
        for line in sys.stdin:
            print(node.answer(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
