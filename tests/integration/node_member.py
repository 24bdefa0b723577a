"""A process of a node, for test_agent.py: attaches, counts what it receives, until it is killed or told to stop.

Counters in its page: 0 datagrams, 1 for another slot, 2 that end with "stale". Prints its slot when it is attached.
"""

import select
import socket
import sys

from rdma_verbs.node import AgentConfig, attach


def main() -> None:
    ip, nslots, idle_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    with attach(ip, AgentConfig(nslots=nslots, idle_s=idle_s)) as node:
        sock = socket.socket(fileno=node.fd)
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        poll.register(0, select.POLLIN)
        print(node.slot, node.generation, flush=True)
        with node.memory.slot_words(node.slot, "counters") as counters:
            while True:
                ready = dict(poll.poll())
                if sock.fileno() not in ready:
                    break  # nothing left and stdin closed
                data = sock.recv(65536)
                counters[1] += data[5] != node.slot
                counters[2] += data.endswith(b"stale")
                counters[0] += 1
        print(*node.memory.slot_words(node.slot, "counters")[:3].tolist(), flush=True)
        sock.detach()


if __name__ == "__main__":
    main()
