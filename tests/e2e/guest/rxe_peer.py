"""Soft-RoCE in a guest, driven over TCP: the far end of end-to-end tests.

Runs inside a lab guest under Debian's python3 with pyverbs. It opens one RDMA
device and executes commands of the host's :mod:`tests.e2e.rxe`, one JSON object
a line; each gets one line back with the same ``id``: ``{"id", "ok": true, ...}``,
or ``{"id", "ok": false, "error", "errno"}``. The program itself decides nothing:
every PSN, key, timer and opcode comes with the command, so that a test can ask
for each combination, legal or not. Objects have names that the host chooses.

Verbs constants are named as in <infiniband/verbs.h> without their prefix and
lists of flags are joined: ``"opcode": "SEND_WITH_IMM"``, ``"access":
["LOCAL_WRITE", "REMOTE_READ"]``. Immediate data, PSNs, QPNs and keys are plain
integers in host order.

    python3 rxe_peer.py [--port 18515] [--device rxe0]
"""

import argparse
import errno
import hashlib
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyverbs.enums as e  # type: ignore[import-not-found, unused-ignore]
from pyverbs.addr import AH, GID, AHAttr, GlobalRoute  # type: ignore[import-not-found, unused-ignore]
from pyverbs.cq import CQ  # type: ignore[import-not-found, unused-ignore]
from pyverbs.device import Context  # type: ignore[import-not-found, unused-ignore]
from pyverbs.mr import MR, MW, MWBindInfo  # type: ignore[import-not-found, unused-ignore]
from pyverbs.pd import PD  # type: ignore[import-not-found, unused-ignore]
from pyverbs.qp import QP, QPAttr, QPCap, QPEx, QPInitAttr, QPInitAttrEx  # type: ignore[import-not-found, unused-ignore]
from pyverbs.wr import SGE, RecvWR, SendWR  # type: ignore[import-not-found, unused-ignore]

Command = dict[str, Any]
Reply = dict[str, Any]

PORT = 18515
PORT_NUM = 1

STATUSES = [
    "SUCCESS",
    "LOC_LEN_ERR",
    "LOC_QP_OP_ERR",
    "LOC_PROT_ERR",
    "WR_FLUSH_ERR",
    "MW_BIND_ERR",
    "BAD_RESP_ERR",
    "LOC_ACCESS_ERR",
    "REM_INV_REQ_ERR",
    "REM_ACCESS_ERR",
    "REM_OP_ERR",
    "RETRY_EXC_ERR",
    "RNR_RETRY_EXC_ERR",
    "REM_ABORT_ERR",
    "FATAL_ERR",
    "RESP_TIMEOUT_ERR",
    "GENERAL_ERR",
]
OPCODES = [
    "SEND",
    "RDMA_WRITE",
    "RDMA_READ",
    "COMP_SWAP",
    "FETCH_ADD",
    "BIND_MW",
    "LOCAL_INV",
    "RECV",
    "RECV_RDMA_WITH_IMM",
]
STATES = ["RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR"]
RDMA = ("RDMA_WRITE", "RDMA_WRITE_WITH_IMM", "RDMA_READ")
ATOMICS = ("ATOMIC_CMP_AND_SWP", "ATOMIC_FETCH_AND_ADD")


def flags(prefix: str, names: Iterable[str]) -> int:
    """Return the union of verbs flags, named without their prefix."""
    value = 0
    for name in names:
        value |= constant(prefix, name)
    return value


def constant(prefix: str, name: str) -> int:
    """Return one verbs constant, named without its prefix."""
    found = getattr(e, prefix + name, None)
    if found is None:
        raise ValueError(f"no verbs constant {prefix}{name}")
    return int(found)


STATUS_NAMES = {constant("IBV_WC_", name): name for name in STATUSES}
OPCODE_NAMES = {constant("IBV_WC_", name): name for name in OPCODES}


def pattern(seed: int, length: int) -> bytes:
    """Return the bytes that a seed stands for; the host computes the same."""
    return random.Random(seed).randbytes(length)


class Peer:
    """One open device with all the objects that commands have made on it."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.context = Context(name=device)
        self.pd = PD(self.context)
        self.mrs: dict[str, Any] = {}
        self.mws: dict[str, Any] = {}
        self.cqs: dict[str, Any] = {}
        self.qps: dict[str, Any] = {}
        self.ahs: dict[str, Any] = {}

    def execute(self, command: Command) -> Reply:
        """Run one command and return its results."""
        handler: Callable[[Command], Reply] | None = getattr(self, "op_" + str(command["op"]), None)
        if handler is None:
            raise ValueError(f"no op {command['op']!r}")
        return handler(command)

    # Device

    def op_info(self, _: Command) -> Reply:
        """Return the device's name, active MTU in bytes and GID table."""
        port = self.context.query_port(PORT_NUM)
        gids = []
        table = Path(f"/sys/class/infiniband/{self.device}/ports/{PORT_NUM}/gids")
        for index in sorted(int(entry.name) for entry in table.iterdir()):
            gid = (table / str(index)).read_text().strip()
            if gid.replace(":", "").strip("0"):
                kind = (table.parent / "gid_attrs/types" / str(index)).read_text().strip()
                gids.append({"index": index, "gid": gid, "type": kind})
        return {"device": self.device, "mtu": 128 << int(port.active_mtu), "gids": gids}

    def op_counters(self, _: Command) -> Reply:
        """Return the device's hardware counters."""
        folder = Path(f"/sys/class/infiniband/{self.device}/ports/{PORT_NUM}/hw_counters")
        values = {file.name: int(file.read_text()) for file in folder.iterdir() if file.name != "lifespan"}
        return {"counters": values}

    def op_run(self, command: Command) -> Reply:
        """Run a program of the guest to its end and return its exit code and output."""
        done = subprocess.run(
            command["argv"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=command.get("timeout_s", 60),
            check=False,
        )
        return {"code": done.returncode, "output": done.stdout.decode(errors="replace")}

    def op_destroy(self, command: Command) -> Reply:
        """Destroy one object, or without a name every object of a test."""
        if "name" in command:
            getattr(self, command["kind"] + "s").pop(command["name"]).close()
            return {}
        for objects in (self.qps, self.ahs, self.mws, self.cqs, self.mrs):
            for made in objects.values():
                made.close()
            objects.clear()
        return {}

    # Memory

    def op_create_mr(self, command: Command) -> Reply:
        """Register a new page-aligned zeroed buffer."""
        mr = MR(self.pd, command["length"], flags("IBV_ACCESS_", command["access"]))
        mr.write(bytes(command["length"]), command["length"])
        self.mrs[command["name"]] = mr
        return {"addr": mr.buf, "lkey": mr.lkey, "rkey": mr.rkey}

    def op_write_mr(self, command: Command) -> Reply:
        """Fill a range with given bytes or with a seed's pattern."""
        data = bytes.fromhex(command["hex"]) if "hex" in command else pattern(command["seed"], command["length"])
        self.mrs[command["mr"]].write(data, len(data), command.get("offset", 0))
        return {"sha256": hashlib.sha256(data).hexdigest()}

    def op_read_mr(self, command: Command) -> Reply:
        """Return a range's digest, and its bytes if ``hex`` is set."""
        data = self.mrs[command["mr"]].read(command["length"], command.get("offset", 0))
        digest = hashlib.sha256(data).hexdigest()
        return {"sha256": digest, "hex": data.hex()} if command.get("hex") else {"sha256": digest}

    def op_create_mw(self, command: Command) -> Reply:
        """Allocate a memory window of type 1 or 2."""
        mw = MW(self.pd, constant("IBV_MW_TYPE_", str(command.get("type", 2))))
        self.mws[command["name"]] = mw
        return {"rkey": mw.rkey}

    # Queue pairs

    def op_create_cq(self, command: Command) -> Reply:
        """Create a completion queue."""
        self.cqs[command["name"]] = CQ(self.context, command.get("entries", 64))
        return {}

    def op_create_qp(self, command: Command) -> Reply:
        """Create a QP; without ``send_cq`` or ``recv_cq`` it gets one of its own, ``NAME.send``, ``NAME.recv``."""
        name = command["name"]
        cqs = []
        for side in ("send", "recv"):
            cq = command.get(f"{side}_cq")
            if cq is None:
                cq = f"{name}.{side}"
                self.op_create_cq({"name": cq, "entries": command.get("cq_entries", 256)})
            cqs.append(self.cqs[cq])
        cap = QPCap(
            max_send_wr=command.get("max_send_wr", 128),
            max_recv_wr=command.get("max_recv_wr", 128),
            max_send_sge=command.get("max_send_sge", 4),
            max_recv_sge=command.get("max_recv_sge", 4),
            max_inline_data=command.get("max_inline_data", 0),
        )
        attributes = {"qp_type": constant("IBV_QPT_", command["type"]), "scq": cqs[0], "rcq": cqs[1], "cap": cap}
        attributes["sq_sig_all"] = command.get("sq_sig_all", 0)
        if command.get("bind_mw"):
            mask = e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS
            attributes |= {"pd": self.pd, "comp_mask": mask, "send_ops_flags": e.IBV_QP_EX_WITH_BIND_MW}
            self.qps[name] = QPEx(self.context, QPInitAttrEx(**attributes))
        else:
            self.qps[name] = QP(self.pd, QPInitAttr(**attributes))
        return {"qpn": self.qps[name].qp_num}

    def op_modify_qp(self, command: Command) -> Reply:
        """Modify a QP with the named attributes and exactly the named mask bits."""
        attr = QPAttr()
        mask = 0
        readers: dict[str, Callable[[Any], Any]] = {
            "qp_state": lambda name: constant("IBV_QPS_", name),
            "ah_attr": self._ah_attr,
            "path_mtu": lambda size: constant("IBV_MTU_", str(size)),
            "qp_access_flags": lambda names: flags("IBV_ACCESS_", names),
        }
        for key, value in command["attributes"].items():
            setattr(attr, key, readers[key](value) if key in readers else value)
            mask |= MASKS[key]
        self.qps[command["qp"]].modify(attr, mask)
        return {}

    def op_connect(self, command: Command) -> Reply:
        """Take an RC, UC or UD QP from RESET to RTS."""
        qp = self.qps[command["qp"]]
        kind = qp.qp_type
        steps: list[dict[str, Any]] = [{"qp_state": "INIT", "pkey_index": 0, "port_num": PORT_NUM}]
        if kind == constant("IBV_QPT_", "UD"):
            steps[0]["qkey"] = command["qkey"]
            steps += [{"qp_state": "RTR"}, {"qp_state": "RTS", "sq_psn": command["sq_psn"]}]
        else:
            reliable = kind == constant("IBV_QPT_", "RC")
            steps[0]["qp_access_flags"] = command.get("access", [])
            rtr = {"qp_state": "RTR", "ah_attr": command["ah"], "path_mtu": command["mtu"]}
            rtr |= {"dest_qp_num": command["remote_qpn"], "rq_psn": command["rq_psn"]}
            rts = {"qp_state": "RTS", "sq_psn": command["sq_psn"]}
            if reliable:
                rtr |= {key: command[key] for key in ("max_dest_rd_atomic", "min_rnr_timer")}
                rts |= {key: command[key] for key in ("max_rd_atomic", "retry_cnt", "rnr_retry", "timeout")}
            steps += [rtr, rts]
        for step in steps:
            self.op_modify_qp({"qp": command["qp"], "attributes": step})
        return {}

    def op_qp_state(self, command: Command) -> Reply:
        """Return the QP's state and PSNs as the device has them now."""
        attr, _ = self.qps[command["qp"]].query(e.IBV_QP_STATE | e.IBV_QP_SQ_PSN | e.IBV_QP_RQ_PSN)
        return {"state": STATES[attr.qp_state], "sq_psn": attr.sq_psn, "rq_psn": attr.rq_psn}

    def op_create_ah(self, command: Command) -> Reply:
        """Create an address handle for UD sends."""
        self.ahs[command["name"]] = AH(self.pd, attr=self._ah_attr(command["ah"]))
        return {}

    # Work requests

    def op_post_recv(self, command: Command) -> Reply:
        """Post the receives of ``requests``, in order."""
        for request in command["requests"]:
            # pyverbs refuses a receive without an entry; an empty one needs no key.
            sges = self._sges(request) or [SGE(0, 0, 0)]
            self.qps[command["qp"]].post_recv(RecvWR(request["wr_id"], len(sges), sges))
        return {}

    def op_post_send(self, command: Command) -> Reply:
        """Post the sends of ``requests``, in order."""
        for request in command["requests"]:
            self.qps[command["qp"]].post_send(self._send_wr(request))
        return {}

    def op_bind_mw(self, command: Command) -> Reply:
        """Post the bind of a type 2 window to a range; the window's new key is given, not derived.

        The QP must have been created with ``bind_mw``: pyverbs' older call hides the key.
        """
        qp, mr = self.qps[command["qp"]], self.mrs[command["mr"]]
        access = flags("IBV_ACCESS_", command["access"])
        qp.wr_start()
        qp.wr_id = command["wr_id"]
        qp.wr_flags = e.IBV_SEND_SIGNALED
        info = MWBindInfo(mr, mr.buf + command.get("offset", 0), command["length"], access)
        qp.wr_bind_mw(self.mws[command["mw"]], command["rkey"], info)
        qp.wr_complete()
        return {}

    def op_poll(self, command: Command) -> Reply:
        """Return ``count`` completions of a CQ, or those that came within ``timeout_ms``."""
        deadline = time.monotonic() + command.get("timeout_ms", 5000) / 1000
        found: list[Reply] = []
        cq = self.cqs[command["cq"]]
        while len(found) < command["count"]:
            count, entries = cq.poll(command["count"] - len(found))
            found += [self._completion(entry) for entry in entries]
            if not count:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.001)
        return {"completions": found}

    def _send_wr(self, request: Command) -> Any:
        """Return the verbs request that a command describes."""
        opcode = request["opcode"]
        # pyverbs refuses a transfer without an entry; an empty one needs no key.
        sges = self._sges(request) or ([] if opcode == "LOCAL_INV" else [SGE(0, 0, 0)])
        imm = socket.htonl(request["imm"]) if "imm" in request else 0
        if opcode in ("SEND_WITH_INV", "LOCAL_INV"):
            imm = request["invalidate_rkey"]  # the union beside imm_data; host order
        wr = SendWR(
            wr_id=request["wr_id"],
            opcode=constant("IBV_WR_", opcode),
            num_sge=len(sges),
            imm_data=imm,
            sg=sges or None,
            send_flags=flags("IBV_SEND_", request.get("flags", ["SIGNALED"])),
        )
        if opcode in RDMA:
            wr.set_wr_rdma(request["rkey"], request["remote_addr"])
        elif opcode in ATOMICS:
            wr.set_wr_atomic(request["rkey"], request["remote_addr"], request["compare_add"], request.get("swap", 0))
        if "ah" in request:
            wr.set_wr_ud(self.ahs[request["ah"]], request["remote_qpn"], request["remote_qkey"])
        return wr

    def _sges(self, request: Command) -> list[Any]:
        """Return scatter/gather entries: region, offset, length, and a wrong lkey if one is given."""
        entries = []
        for sge in request.get("sges", []):
            mr = self.mrs[sge["mr"]]
            entries.append(SGE(mr.buf + sge.get("offset", 0), sge["length"], sge.get("lkey", mr.lkey)))
        return entries

    def _ah_attr(self, ah: Command) -> Any:
        """Return address attributes: destination GID, own GID's index, hop limit, traffic class."""
        route = GlobalRoute(
            dgid=GID(ah["gid"]),
            sgid_index=ah["gid_index"],
            hop_limit=ah.get("hop_limit", 64),
            traffic_class=ah.get("traffic_class", 0),
            flow_label=ah.get("flow_label", 0),
        )
        return AHAttr(gr=route, is_global=1, port_num=PORT_NUM)

    def _completion(self, wc: Any) -> Reply:
        reply = {"wr_id": wc.wr_id, "status": STATUS_NAMES.get(wc.status, str(wc.status)), "qpn": wc.qp_num}
        reply |= {"opcode": OPCODE_NAMES.get(wc.opcode, str(wc.opcode)), "byte_len": wc.byte_len}
        reply |= {"src_qpn": wc.src_qp, "vendor_err": wc.vendor_err, "wc_flags": wc.wc_flags}
        if wc.wc_flags & e.IBV_WC_WITH_IMM:
            reply["imm"] = socket.ntohl(wc.imm_data)
        if wc.wc_flags & e.IBV_WC_WITH_INV:
            reply["invalidated_rkey"] = wc.imm_data
        return reply


MASKS = {
    "qp_state": e.IBV_QP_STATE,
    "pkey_index": e.IBV_QP_PKEY_INDEX,
    "port_num": e.IBV_QP_PORT,
    "qkey": e.IBV_QP_QKEY,
    "qp_access_flags": e.IBV_QP_ACCESS_FLAGS,
    "ah_attr": e.IBV_QP_AV,
    "path_mtu": e.IBV_QP_PATH_MTU,
    "dest_qp_num": e.IBV_QP_DEST_QPN,
    "rq_psn": e.IBV_QP_RQ_PSN,
    "sq_psn": e.IBV_QP_SQ_PSN,
    "max_rd_atomic": e.IBV_QP_MAX_QP_RD_ATOMIC,
    "max_dest_rd_atomic": e.IBV_QP_MAX_DEST_RD_ATOMIC,
    "min_rnr_timer": e.IBV_QP_MIN_RNR_TIMER,
    "retry_cnt": e.IBV_QP_RETRY_CNT,
    "rnr_retry": e.IBV_QP_RNR_RETRY,
    "timeout": e.IBV_QP_TIMEOUT,
}


def serve(peer: Peer, listener: socket.socket) -> None:
    """Serve one host after another until one says ``quit``."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            for line in stream:
                command = json.loads(line)
                if command["op"] == "quit":
                    return
                try:
                    reply = {"ok": True, **peer.execute(command)}
                except Exception as error:  # noqa: BLE001 - what is wrong with a command is the host's to judge
                    number = getattr(error, "error_code", None) or getattr(error, "errno", None) or errno.EINVAL
                    reply = {"ok": False, "error": f"{type(error).__name__}: {error}", "errno": int(number)}
                stream.write(json.dumps({"id": command.get("id"), **reply}) + "\n")
                stream.flush()


def main() -> int:
    """Open the device, listen, serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--device", default="rxe0")
    options = parser.parse_args()
    peer = Peer(options.device)
    with socket.create_server(("::", options.port), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        print(f"rxe_peer: {options.device} at port {options.port}", flush=True)
        serve(peer, listener)
    peer.op_destroy({})
    return 0


if __name__ == "__main__":
    sys.exit(main())
