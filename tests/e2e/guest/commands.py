"""What both ends of an end-to-end test do with a command: Soft-RoCE under pyverbs, and our own verbs.

A command is a JSON object with ``op`` and its fields, and gets one back with the same ``id``: ``{"id", "ok": true,
...}``, or ``{"id", "ok": false, "error", "errno"}``. A peer decides nothing: every PSN, key, timer and opcode comes
with the command, so that a test can ask for each combination, legal or not. Objects have names that the host chooses.

Verbs constants are named as in <infiniband/verbs.h> without their prefix, flags are lists: ``"opcode":
"SEND_WITH_IMM"``, ``"access": ["LOCAL_WRITE", "REMOTE_READ"]``. Immediate data, PSNs, QPNs and keys are plain integers
in host order.

This file runs in the guest, too: it needs Python and nothing else.
"""

import abc
import errno
import hashlib
import json
import random
import time
from collections.abc import Callable
from typing import Any

Command = dict[str, Any]
Reply = dict[str, Any]

ATTRIBUTES = {
    "qp_state": "STATE",
    "pkey_index": "PKEY_INDEX",
    "port_num": "PORT",
    "qkey": "QKEY",
    "qp_access_flags": "ACCESS_FLAGS",
    "ah_attr": "AV",
    "path_mtu": "PATH_MTU",
    "dest_qp_num": "DEST_QPN",
    "rq_psn": "RQ_PSN",
    "sq_psn": "SQ_PSN",
    "max_rd_atomic": "MAX_QP_RD_ATOMIC",
    "max_dest_rd_atomic": "MAX_DEST_RD_ATOMIC",
    "min_rnr_timer": "MIN_RNR_TIMER",
    "retry_cnt": "RETRY_CNT",
    "rnr_retry": "RNR_RETRY",
    "timeout": "TIMEOUT",
}
"""Fields of ``struct ibv_qp_attr`` and the names of their mask bits, without ``IBV_QP_``."""


def pattern(seed: int, length: int) -> bytes:
    """Return the bytes that a seed stands for; the host computes the same."""
    return random.Random(seed).randbytes(length)


class VerbsCommands(abc.ABC):
    """All objects that commands have made on one device, and the commands that need no more than to look at them."""

    def __init__(self) -> None:
        self.mrs: dict[str, Any] = {}
        self.mws: dict[str, Any] = {}
        self.cqs: dict[str, Any] = {}
        self.srqs: dict[str, Any] = {}
        self.qps: dict[str, Any] = {}
        self.ahs: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}

    def answer(self, line: str) -> str:
        """Return the reply to a line."""
        command = json.loads(line)
        try:
            handler: Callable[[Command], Reply] | None = getattr(self, "op_" + str(command["op"]), None)
            if handler is None:
                raise ValueError(f"no op {command['op']!r}")
            reply = {"ok": True, **handler(command)}
        except Exception as error:  # noqa: BLE001 - what is wrong with a command is the host's to judge
            number = getattr(error, "error_code", None) or getattr(error, "errno", None) or errno.EINVAL
            reply = {"ok": False, "error": f"{type(error).__name__}: {error}", "errno": int(number)}
        return json.dumps({"id": command.get("id"), **reply})

    def op_destroy(self, _: Command) -> Reply:
        """Destroy every object of a test, users before what they use."""
        for objects in (self.qps, self.ahs, self.mws, self.srqs, self.cqs, self.mrs):
            for made in objects.values():
                self.close(made)
            objects.clear()
        return {}

    # Memory

    def op_write_mr(self, command: Command) -> Reply:
        """Fill a range with given bytes or with a seed's pattern."""
        data = bytes.fromhex(command["hex"]) if "hex" in command else pattern(command["seed"], command["length"])
        self.write(self.mrs[command["mr"]], data, command.get("offset", 0))
        return {"sha256": hashlib.sha256(data).hexdigest()}

    def op_read_mr(self, command: Command) -> Reply:
        """Return a range's digest, and its bytes if ``hex`` is set."""
        data = self.mrs[command["mr"]].read(command["length"], command.get("offset", 0))
        digest = hashlib.sha256(data).hexdigest()
        return {"sha256": digest, "hex": data.hex()} if command.get("hex") else {"sha256": digest}

    # Queue pairs

    def op_create_qp(self, command: Command) -> Reply:
        """Create a QP; without ``send_cq`` or ``recv_cq`` it gets one of its own, ``NAME.send``, ``NAME.recv``."""
        name = command["name"]
        queues = []
        for side in ("send", "recv"):
            cq = command.get(f"{side}_cq", f"{name}.{side}")
            if cq not in self.cqs:
                self.cqs[cq] = self.new_cq(command.get("cq_entries", 256))
            queues.append(self.cqs[cq])
        self.kinds[name] = command["type"]
        self.qps[name] = self.new_qp(command, queues[0], queues[1])
        return {"qpn": self.qps[name].qp_num}

    def op_modify_qp(self, command: Command) -> Reply:
        """Modify a QP with the named attributes and exactly the named mask bits."""
        self.modify(self.qps[command["qp"]], command["attributes"])
        return {}

    def op_connect(self, command: Command) -> Reply:
        """Take an RC, UC or UD QP from RESET to RTS."""
        qp, kind = self.qps[command["qp"]], self.kinds[command["qp"]]
        init: dict[str, Any] = {"qp_state": "INIT", "pkey_index": 0, "port_num": 1}
        rtr: dict[str, Any] = {"qp_state": "RTR"}
        rts: dict[str, Any] = {"qp_state": "RTS", "sq_psn": command["sq_psn"]}
        if kind == "UD":
            init["qkey"] = command["qkey"]
        else:
            init["qp_access_flags"] = command.get("access", [])
            rtr |= {"ah_attr": command["ah"], "path_mtu": command["mtu"]}
            rtr |= {"dest_qp_num": command["remote_qpn"], "rq_psn": command["rq_psn"]}
        if kind == "RC":
            rtr |= {key: command[key] for key in ("max_dest_rd_atomic", "min_rnr_timer")}
            rts |= {key: command[key] for key in ("max_rd_atomic", "retry_cnt", "rnr_retry", "timeout")}
        for attributes in (init, rtr, rts):
            self.modify(qp, attributes)
        return {}

    # Work requests

    def op_post_recv(self, command: Command) -> Reply:
        """Post the receives of ``requests``, in order, to a QP or an SRQ."""
        queue = self.srqs[command["srq"]] if "srq" in command else self.qps[command["qp"]]
        for request in command["requests"]:
            queue.post_recv(self.recv_wr(request))
        return {}

    def op_post_send(self, command: Command) -> Reply:
        """Post the sends of ``requests``, in order."""
        self.post_sends(self.qps[command["qp"]], command["requests"])
        return {}

    def op_poll(self, command: Command) -> Reply:
        """Return ``count`` completions of a CQ, or those that came within ``timeout_ms``."""
        deadline = time.monotonic() + command.get("timeout_ms", 5000) / 1000
        found: list[Reply] = []
        cq = self.cqs[command["cq"]]
        while len(found) < command["count"]:
            done = self.poll(cq, command["count"] - len(found))
            found += done
            if not done:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.001)
        return {"completions": found}

    # What differs

    def close(self, made: Any) -> None:
        """Destroy an object."""
        made.close()

    @abc.abstractmethod
    def write(self, mr: Any, data: bytes, offset: int) -> None:
        """Put bytes into a region."""

    @abc.abstractmethod
    def new_cq(self, entries: int) -> Any:
        """Return a new completion queue."""

    @abc.abstractmethod
    def new_qp(self, command: Command, send_cq: Any, recv_cq: Any) -> Any:
        """Return a new QP."""

    @abc.abstractmethod
    def modify(self, qp: Any, attributes: dict[str, Any]) -> None:
        """Modify a QP."""

    @abc.abstractmethod
    def recv_wr(self, request: Command) -> Any:
        """Return the receive request that a command describes."""

    @abc.abstractmethod
    def post_sends(self, qp: Any, requests: list[Command]) -> None:
        """Post send requests."""

    @abc.abstractmethod
    def poll(self, cq: Any, most: int) -> list[Reply]:
        """Return the completions that are there now."""
