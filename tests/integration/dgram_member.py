"""The other end of a link, for test_dgram.py: answers in a process of its own.

Takes one JSON line: paths, address, the peer's endpoint, its UD queue pair; prints its own; then waits for "verify"
with the hex of what was sent.
"""

import json
import sys

from datapath.port import DgramPort
from rdma_verbs import Context, QPEndpoint, QpType
from tests.exchange import QKEY, RECV, End, prepare_all, ud_send, verify_all


def main() -> None:
    task = json.loads(sys.stdin.readline())
    port = DgramPort(task["local"], task["remote"], [task["address"]], mtu=task["mtu"])
    with Context.over(port, task["address"]) as context:
        end, datagrams = End(context), End(context, QpType.UD)
        end.qp.connect(QPEndpoint.from_json(task["endpoint"]))
        datagrams.qp.start(qkey=QKEY)
        datagrams.post_receives(1)
        prepare_all(end)
        ours = {"endpoint": end.qp.endpoint.to_json(), "addr": end.mr.addr, "rkey": end.mr.rkey}
        print(json.dumps({**ours, "ud_qpn": datagrams.qp.qp_num}), flush=True)
        told = json.loads(sys.stdin.readline())
        verify_all(end, bytes.fromhex(told["data"]))
        (wc,) = datagrams.completions(1)
        # The datagram goes back to where it came from.
        ud_send(datagrams, task["peer"], wc.src_qp, datagrams.mr.read(wc.byte_len - 40, RECV + 40))
        print(json.dumps({"neighbours": port.neighbour_stats()}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
