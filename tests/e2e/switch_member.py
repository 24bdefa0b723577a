"""A process at a port of a live switch, for test_live_switch.py: sends to another, or is sent to.

Takes a JSON line with what it is; prints its endpoint; takes the other's endpoint; a sender then takes "go" and prints
when each of its messages was complete, in the device's time.
"""

import json
import sys
import time
from typing import Any

from datapath.port import DgramPort, Rate, wrap
from rdma_verbs import (
    CQ,
    GID,
    MR,
    PD,
    QP,
    AccessFlags,
    AHAttr,
    CongestionControl,
    Context,
    DeviceConfig,
    QPCap,
    QPEndpoint,
    QPInitAttr,
    QpType,
    SendWR,
    WcStatus,
    WrOpcode,
)

AHEAD = 8
"""Messages of a sender that wait at once."""


def tell(words: Any) -> None:
    print(json.dumps(words), flush=True)


def hear() -> Any:
    return json.loads(sys.stdin.readline())


def make_qp(context: Context) -> QP:
    return QP(PD(context), QPInitAttr(QpType.RC, CQ(context, 64), cap=QPCap(max_send_wr=64)))


def way(task: dict[str, Any], to: str) -> AHAttr:
    return AHAttr(dgid=GID.of(to), traffic_class=task["dscp"] << 2, sl=task["prio"])


def send(context: Context, task: dict[str, Any]) -> None:
    qp = make_qp(context)
    tell({"endpoint": qp.endpoint.to_json(), "address": task["address"]})
    there = hear()
    to = QPEndpoint.from_json(there["endpoint"])
    qp.connect(to, timeout=task["timeout"], ah_attr=way(task, there["address"]))
    size, count = task["message_bytes"], task["messages"]
    memory = MR(qp.pd, size, AccessFlags(0))
    write = SendWR(0, WrOpcode.RDMA_WRITE, [memory.sge()], remote_addr=there["addr"], rkey=there["rkey"])
    hear()  # go
    begin, posted = context.now_ns, 0
    done: list[int] = []
    while len(done) < count:
        while posted < count and posted - len(done) < AHEAD:
            qp.post_send(write)
            posted += 1
        for wc in qp.send_cq.poll():
            if wc.status is not WcStatus.SUCCESS:
                tell({"failed": wc.status.name, "done": len(done)})
                return
            done.append(context.now_ns - begin)
        time.sleep(0.002)  # the driver's thread makes the progress
    port = context.port
    while port.inner:
        port = port.inner
    assert isinstance(port, DgramPort)
    tell({"done_ns": done, "pfc_frames": port.pfc_frames(), "counters": context.counters()})


def receive(context: Context, task: dict[str, Any]) -> None:
    ends = []
    for _ in range(task["senders"]):
        qp = make_qp(context)
        memory = MR(qp.pd, task["message_bytes"], AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE)
        ends.append((qp, memory))
    tell(
        [
            {"endpoint": qp.endpoint.to_json(), "address": task["address"], "addr": mr.addr, "rkey": mr.rkey}
            for qp, mr in ends
        ]
    )
    for (qp, _), there in zip(ends, hear(), strict=True):
        to = QPEndpoint.from_json(there["endpoint"])
        qp.connect(to, timeout=task["timeout"], ah_attr=way(task, there["address"]))
    tell("ready")
    hear()  # until everybody is done
    tell({"counters": context.counters()})


def main() -> None:
    task = hear()
    port = DgramPort(
        task["local"],
        task["remote"],
        [task["address"]],
        mtu=9000,
        mac=task["mac"],
        rate_bps=task["rate_bps"],
        dilation=task["dilation"],
    )
    limited = wrap(port, [Rate(task["rate_bps"], task["burst_bytes"])])
    config = DeviceConfig(cc=CongestionControl(**task["cc"])) if task["cc"] else DeviceConfig()
    with Context.over(limited, task["address"], config, dilation=task["dilation"]) as context:
        (receive if "senders" in task else send)(context, task)


if __name__ == "__main__":
    main()
