"""Soft-RoCE in a guest, driven over TCP: the far end of end-to-end tests.

Runs inside a lab guest under Debian's python3 with pyverbs. It opens one RDMA device and executes commands of the
host's :mod:`tests.e2e.rxe`, one JSON object a line (:mod:`tests.e2e.guest.commands`).

    python3 -m tests.e2e.guest.rxe_peer [--port 18515] [--device rxe0]
"""

import argparse
import dataclasses
import json
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyverbs.enums as e  # type: ignore[import-not-found, unused-ignore]
from pyverbs.addr import AH, GID, AHAttr, GlobalRoute  # type: ignore[import-not-found, unused-ignore]
from pyverbs.cq import CQ  # type: ignore[import-not-found, unused-ignore]
from pyverbs.device import Context  # type: ignore[import-not-found, unused-ignore]
from pyverbs.mr import MR, MW, MWBind, MWBindInfo  # type: ignore[import-not-found, unused-ignore]
from pyverbs.pd import PD  # type: ignore[import-not-found, unused-ignore]
from pyverbs.qp import QP, QPAttr, QPCap, QPEx, QPInitAttr, QPInitAttrEx  # type: ignore[import-not-found, unused-ignore]
from pyverbs.srq import SRQ, SrqAttr, SrqInitAttr  # type: ignore[import-not-found, unused-ignore]
from pyverbs.wr import SGE, RecvWR, SendWR  # type: ignore[import-not-found, unused-ignore]

from tests.e2e.guest.commands import ATTRIBUTES, Command, Reply, VerbsCommands
from tests.e2e.guest.programs import Program

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
EVENTS = [
    "QP_FATAL",
    "QP_REQ_ERR",
    "QP_ACCESS_ERR",
    "COMM_EST",
    "SQ_DRAINED",
    "SRQ_LIMIT_REACHED",
    "QP_LAST_WQE_REACHED",
]
# rxe hands out the kernel's flags, whose bit for this is that of IBV_WC_IP_CSUM_OK, which rxe has not.
KERNEL_WC_WITH_INVALIDATE = 1 << 2
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
EVENT_NAMES = {constant("IBV_EVENT_", name): name for name in EVENTS}


class Peer(VerbsCommands):
    """One open device with all the objects that commands have made on it."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device
        self.context = Context(name=device)
        self.pd = PD(self.context)
        self.programs: dict[int, Program] = {}

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

    def op_spawn(self, command: Command) -> Reply:
        """Start a program and return its number; with ``port``, as soon as it listens there or has failed to."""
        program = Program(command["argv"])
        self.programs[program.pid] = program
        if "port" in command:
            program.wait_for_listener(command["port"], command["timeout_s"])
        return {"pid": program.pid}

    def op_wait(self, command: Command) -> Reply:
        """Return how a program ended that ``spawn`` started; it is killed if that takes longer than ``timeout_s``."""
        return dataclasses.asdict(self.programs.pop(command["pid"]).wait(command["timeout_s"]))

    def op_next_event(self, command: Command) -> Reply:
        """Return the type of the next asynchronous event, or None if none comes within ``timeout_ms``."""
        # pyverbs hides the descriptor, and its get_async_event() blocks all threads.
        links = {entry.name: str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
        ready = select.poll()
        for number, target in links.items():
            if target == "anon_inode:[infinibandevent]":
                ready.register(int(number), select.POLLIN)
        if not ready.poll(command.get("timeout_ms", 0)):
            return {"event": None}
        event = self.context.get_async_event()
        event.ack()
        return {"event": EVENT_NAMES.get(event.event_type, str(event.event_type))}

    # Memory

    def op_create_mr(self, command: Command) -> Reply:
        """Register a new page-aligned zeroed buffer."""
        mr = MR(self.pd, command["length"], flags("IBV_ACCESS_", command["access"]))
        mr.write(bytes(command["length"]), command["length"])
        self.mrs[command["name"]] = mr
        return {"addr": mr.buf, "lkey": mr.lkey, "rkey": mr.rkey}

    def write(self, mr: Any, data: bytes, offset: int) -> None:
        mr.write(data, len(data), offset)

    def op_create_mw(self, command: Command) -> Reply:
        """Allocate a memory window of type 1 or 2."""
        mw = MW(self.pd, constant("IBV_MW_TYPE_", str(command.get("type", 2))))
        self.mws[command["name"]] = mw
        return {"rkey": mw.rkey}

    # Queue pairs

    def new_cq(self, entries: int) -> Any:
        return CQ(self.context, entries)

    def op_create_srq(self, command: Command) -> Reply:
        """Create a shared receive queue."""
        self.srqs[command["name"]] = SRQ(self.pd, SrqInitAttr(SrqAttr(max_wr=command["max_wr"], max_sge=4)))
        return {}

    def op_arm_srq(self, command: Command) -> Reply:
        """Ask for an event when fewer than ``limit`` receives are left."""
        self.srqs[command["srq"]].modify(SrqAttr(srq_limit=command["limit"]), e.IBV_SRQ_LIMIT)
        return {}

    def new_qp(self, command: Command, send_cq: Any, recv_cq: Any) -> Any:
        cap = QPCap(
            max_send_wr=command.get("max_send_wr", 128),
            max_recv_wr=command.get("max_recv_wr", 128),
            max_send_sge=command.get("max_send_sge", 4),
            max_recv_sge=command.get("max_recv_sge", 4),
            max_inline_data=command.get("max_inline_data", 0),
        )
        attributes = {"qp_type": constant("IBV_QPT_", command["type"]), "scq": send_cq, "rcq": recv_cq, "cap": cap}
        attributes["sq_sig_all"] = command.get("sq_sig_all", 0)
        if "srq" in command:
            attributes["srq"] = self.srqs[command["srq"]]
        if command.get("bind_mw"):
            mask = e.IBV_QP_INIT_ATTR_PD | e.IBV_QP_INIT_ATTR_SEND_OPS_FLAGS
            attributes |= {"pd": self.pd, "comp_mask": mask, "send_ops_flags": e.IBV_QP_EX_WITH_BIND_MW}
            return QPEx(self.context, QPInitAttrEx(**attributes))
        return QP(self.pd, QPInitAttr(**attributes))

    def modify(self, qp: Any, attributes: dict[str, Any]) -> None:
        attr = QPAttr()
        readers: dict[str, Callable[[Any], Any]] = {
            "qp_state": lambda name: constant("IBV_QPS_", name),
            "ah_attr": self._ah_attr,
            "path_mtu": lambda size: constant("IBV_MTU_", str(size)),
            "qp_access_flags": lambda names: flags("IBV_ACCESS_", names),
        }
        for key, value in attributes.items():
            setattr(attr, key, readers[key](value) if key in readers else value)
        qp.modify(attr, flags("IBV_QP_", (ATTRIBUTES[key] for key in attributes)))

    def op_qp_state(self, command: Command) -> Reply:
        """Return the QP's state and PSNs as the device has them now."""
        attr, _ = self.qps[command["qp"]].query(e.IBV_QP_STATE | e.IBV_QP_SQ_PSN | e.IBV_QP_RQ_PSN)
        return {"state": STATES[attr.qp_state], "sq_psn": attr.sq_psn, "rq_psn": attr.rq_psn}

    def op_create_ah(self, command: Command) -> Reply:
        """Create an address handle for UD sends."""
        self.ahs[command["name"]] = AH(self.pd, attr=self._ah_attr(command["ah"]))
        return {}

    # Work requests

    def recv_wr(self, request: Command) -> Any:
        # pyverbs refuses a receive without an entry; an empty one needs no key.
        sges = self._sges(request) or [SGE(0, 0, 0)]
        return RecvWR(request["wr_id"], len(sges), sges)

    def post_sends(self, qp: Any, requests: list[Command]) -> None:
        for request in requests:
            qp.post_send(self._send_wr(request))

    def op_bind_mw(self, command: Command) -> Reply:
        """Post the bind of a window to a range and return the key that it will have.

        The new key of a type 2 window is given, and the QP must have been created with ``bind_mw``: pyverbs' older call
        is for type 1, whose new key it makes itself.
        """
        qp, mr, mw = self.qps[command["qp"]], self.mrs[command["mr"]], self.mws[command["mw"]]
        access = flags("IBV_ACCESS_", command["access"])
        info = MWBindInfo(mr, mr.buf + command.get("offset", 0), command["length"], access)
        if command["rkey"] is None:
            qp.bind_mw(mw, MWBind(info, e.IBV_SEND_SIGNALED, command["wr_id"]))
            return {"rkey": mw.rkey}
        qp.wr_start()
        qp.wr_id = command["wr_id"]
        qp.wr_flags = e.IBV_SEND_SIGNALED
        qp.wr_bind_mw(mw, command["rkey"], info)
        qp.wr_complete()
        return {"rkey": command["rkey"]}

    def poll(self, cq: Any, most: int) -> list[Reply]:
        _, entries = cq.poll(most)
        return [self._completion(entry) for entry in entries]

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
        if wc.wc_flags & KERNEL_WC_WITH_INVALIDATE:
            reply["invalidated_rkey"] = wc.imm_data
        return reply


def serve(peer: Peer, listener: socket.socket) -> None:
    """Serve one host after another until one says ``quit``."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            for line in stream:
                if json.loads(line)["op"] == "quit":
                    return
                stream.write(peer.answer(line) + "\n")
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
