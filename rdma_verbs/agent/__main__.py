"""``python -m rdma_verbs.agent ADDRESS``: become a node's agent, in the background. Exit code 0: the node has one."""

import argparse
import os
import signal
import sys

from datapath.errors import DpuError
from rdma_verbs.agent.daemon import Agent, AgentConfig
from rdma_verbs.agent.rundir import Address


def main() -> int:
    """Start the agent; returns in the foreground process as soon as the node can be asked."""
    default = AgentConfig()
    parser = argparse.ArgumentParser(prog="python -m rdma_verbs.agent", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--slots", type=int, default=default.nslots)
    parser.add_argument("--rcvbuf-bytes", type=int, default=default.rcvbuf_bytes)
    parser.add_argument("--idle-s", type=float, default=default.idle_s)
    parser.add_argument("--foreground", action="store_true")
    args = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # whoever starts us has all of them blocked
    try:
        agent = Agent(Address.parse(args.address), AgentConfig(args.slots, args.rcvbuf_bytes, args.idle_s))
        if not agent.start():
            return 0
    except (DpuError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if not args.foreground:
        # The descriptors, locks among them, go along; the parent's exit code says that the agent listens.
        if os.fork():
            os._exit(0)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    agent.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
