"""Our verbs in a process of its own, driven like Soft-RoCE in a guest: the near end of end-to-end tests.

Executes the commands of :mod:`tests.e2e.guest.rxe_peer`, with the same names and fields, on a software DPU at an
address of the namespace it runs in. Commands come on standard input, one JSON object a line; each gets one line back.
Of its own are ``faults`` (what the port loses from now on), ``flush`` (of the capture) and ``stats`` (of the port).

    python -m tests.e2e.dpu_peer ADDRESS [--capture FILE]
"""

import argparse
import dataclasses
import errno
import hashlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from datapath.errors import CallerError, DpuError
from datapath.port import Capture, CapturePort, FaultPort, Faults, Wrapper
from rdma_verbs import (
    AH,
    CQ,
    GID,
    MR,
    PD,
    QP,
    SGE,
    WC,
    AccessFlags,
    AHAttr,
    Context,
    Mtu,
    QPAttr,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    WcFlags,
    WrOpcode,
)
from rdma_verbs.enums import QpAttrMask as Mask
from tests.e2e.rxe import pattern

Command = dict[str, Any]
Reply = dict[str, Any]

MASKS = {
    "qp_state": Mask.STATE,
    "pkey_index": Mask.PKEY_INDEX,
    "port_num": Mask.PORT,
    "qkey": Mask.QKEY,
    "qp_access_flags": Mask.ACCESS_FLAGS,
    "ah_attr": Mask.AV,
    "path_mtu": Mask.PATH_MTU,
    "dest_qp_num": Mask.DEST_QPN,
    "rq_psn": Mask.RQ_PSN,
    "sq_psn": Mask.SQ_PSN,
    "max_rd_atomic": Mask.MAX_QP_RD_ATOMIC,
    "max_dest_rd_atomic": Mask.MAX_DEST_RD_ATOMIC,
    "min_rnr_timer": Mask.MIN_RNR_TIMER,
    "retry_cnt": Mask.RETRY_CNT,
    "rnr_retry": Mask.RNR_RETRY,
    "timeout": Mask.TIMEOUT,
}


class Node:
    """One software DPU with all the objects that commands have made on it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.pd = PD(context)
        self.mrs: dict[str, MR] = {}
        self.cqs: dict[str, CQ] = {}
        self.qps: dict[str, QP] = {}
        self.ahs: dict[str, AH] = {}

    def execute(self, command: Command) -> Reply:
        """Run one command and return its results."""
        handler: Callable[[Command], Reply] | None = getattr(self, "op_" + str(command["op"]), None)
        if handler is None:
            raise CallerError(f"no op {command['op']!r}")
        return handler(command)

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
        port.set(Faults(**command["faults"]))
        return {}

    def op_flush(self, _: Command) -> Reply:
        capture = self.context.port.inner
        assert isinstance(capture, CapturePort)
        capture.flush()
        return {"frames": capture.frames, "lost": capture.lost}

    def op_destroy(self, _: Command) -> Reply:
        objects: list[dict[str, Any]] = [self.qps, self.cqs, self.mrs]
        for made in objects:
            for one in made.values():
                one.close()
            made.clear()
        self.ahs.clear()
        return {}

    # Memory

    def op_create_mr(self, command: Command) -> Reply:
        access = AccessFlags(0)
        for name in command["access"]:
            access |= AccessFlags[name]
        mr = self.mrs[command["name"]] = MR(self.pd, command["length"], access)
        return {"addr": mr.addr, "lkey": mr.lkey, "rkey": mr.rkey}

    def op_write_mr(self, command: Command) -> Reply:
        data = bytes.fromhex(command["hex"]) if "hex" in command else pattern(command["seed"], command["length"])
        self.mrs[command["mr"]].write(data, command.get("offset", 0))
        return {"sha256": hashlib.sha256(data).hexdigest()}

    def op_read_mr(self, command: Command) -> Reply:
        data = self.mrs[command["mr"]].read(command["length"], command.get("offset", 0))
        digest = hashlib.sha256(data).hexdigest()
        return {"sha256": digest, "hex": data.hex()} if command.get("hex") else {"sha256": digest}

    # Queue pairs

    def op_create_qp(self, command: Command) -> Reply:
        name = command["name"]
        cqs = [self._cq(command.get(f"{side}_cq", f"{name}.{side}")) for side in ("send", "recv")]
        cap = QPCap(command.get("max_send_wr", 128), command.get("max_recv_wr", 128))
        qp = self.qps[name] = QP(self.pd, QPInitAttr(QpType[command["type"]], cqs[0], cqs[1], cap))
        return {"qpn": qp.qp_num}

    def op_modify_qp(self, command: Command) -> Reply:
        """Modify a QP with the named attributes and exactly the named mask bits."""
        plain = dict(command["attributes"])
        mask = Mask(0)
        for name in plain:
            mask |= MASKS[name]
        readers: dict[str, Callable[[Any], Any]] = {
            "qp_state": lambda name: QpState[name],
            "ah_attr": self._ah_attr,
            "path_mtu": lambda size: next(mtu for mtu in Mtu if mtu.bytes == size),
            "qp_access_flags": lambda names: sum((AccessFlags[name] for name in names), start=AccessFlags(0)),
        }
        values = {name: readers[name](value) if name in readers else value for name, value in plain.items()}
        self.qps[command["qp"]].modify(dataclasses.replace(QPAttr(), **values), mask)
        return {}

    def op_connect(self, command: Command) -> Reply:
        """Take an RC, UC or UD QP from RESET to RTS."""
        kind = self.qps[command["qp"]].qp_type
        init: dict[str, Any] = {"qp_state": "INIT", "pkey_index": 0, "port_num": 1}
        rtr: dict[str, Any] = {"qp_state": "RTR"}
        rts: dict[str, Any] = {"qp_state": "RTS", "sq_psn": command["sq_psn"]}
        if kind is QpType.UD:
            init["qkey"] = command["qkey"]
        else:
            init["qp_access_flags"] = command.get("access", [])
            rtr |= {"ah_attr": command["ah"], "path_mtu": command["mtu"]}
            rtr |= {"dest_qp_num": command["remote_qpn"], "rq_psn": command["rq_psn"]}
        if kind is QpType.RC:
            rtr |= {key: command[key] for key in ("max_dest_rd_atomic", "min_rnr_timer")}
            rts |= {key: command[key] for key in ("max_rd_atomic", "retry_cnt", "rnr_retry", "timeout")}
        for attributes in (init, rtr, rts):
            self.op_modify_qp({"qp": command["qp"], "attributes": attributes})
        return {}

    def op_qp_state(self, command: Command) -> Reply:
        attr = self.qps[command["qp"]].query()
        return {"state": attr.qp_state.name, "sq_psn": attr.sq_psn, "rq_psn": attr.rq_psn}

    def op_create_ah(self, command: Command) -> Reply:
        self.ahs[command["name"]] = AH(self.pd, self._ah_attr(command["ah"]))
        return {}

    # Work requests

    def op_post_recv(self, command: Command) -> Reply:
        wrs = [RecvWR(request["wr_id"], self._sges(request)) for request in command["requests"]]
        self.qps[command["qp"]].post_recv(wrs)
        return {}

    def op_post_send(self, command: Command) -> Reply:
        self.qps[command["qp"]].post_send([self._send_wr(request) for request in command["requests"]])
        return {}

    def op_poll(self, command: Command) -> Reply:
        """Return ``count`` completions of a CQ, or those that came within ``timeout_ms``."""
        deadline = time.monotonic() + command.get("timeout_ms", 5000) / 1000
        found: list[Reply] = []
        cq = self.cqs[command["cq"]]
        while len(found) < command["count"]:
            done = cq.poll(command["count"] - len(found))
            found += [_completion(wc) for wc in done]
            if not done:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.001)
        return {"completions": found}

    def _cq(self, name: str) -> CQ:
        if name not in self.cqs:
            self.cqs[name] = CQ(self.context, 256)
        return self.cqs[name]

    def _send_wr(self, request: Command) -> SendWR:
        flags = SendFlags(0)
        for name in request.get("flags", ["SIGNALED"]):
            flags |= SendFlags[name]
        names = ("remote_addr", "rkey", "compare_add", "swap", "remote_qpn", "remote_qkey")
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
    return reply


def main() -> int:
    """Open the device, then obey until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--capture")
    options = parser.parse_args()
    wrappers: list[Wrapper] = []
    if options.capture:
        wrappers.append(Capture(options.capture, unix_ns=time.time_ns()))
    wrappers.append(Faults())
    with Context.open(options.address, wrappers=wrappers) as context:
        node = Node(context)
        print(json.dumps({"id": 0, "ok": True}), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            try:
                reply = {"ok": True, **node.execute(command)}
            except (DpuError, LookupError, TypeError, ValueError) as error:
                number = getattr(error, "errno", None) or errno.EINVAL
                reply = {"ok": False, "error": f"{type(error).__name__}: {error}", "errno": number}
            print(json.dumps({"id": command.get("id"), **reply}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
