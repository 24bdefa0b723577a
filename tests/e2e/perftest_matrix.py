r"""perftest's programs over the drop-in, in every combination that they allow, with their data checked.

    client, node 127.17.0.2 ---- verbs over local or UDP ---- 127.17.0.1, server
           \-------------- TCP 127.0.0.1:PORT -------------/       (perftest's own connection)

perftest never looks at its data, so both sides run with the device's check (``dpu-emu run --check``): a run passes when
both programs end well, messages were compared, and none differed.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.e2e.pair import Run, TransportName, play_pair, ports

SERVER, CLIENT = "127.17.0.1", "127.17.0.2"
TOOLS = ("send", "write", "read", "atomic")
MEASURES = ("bw", "lat")
SERVICES = {"send": ("RC", "UC", "UD", "XRC"), "write": ("RC", "UC", "XRC"), "read": ("RC", "XRC"), "atomic": ("RC",)}
QPS = (1, 4, 64)
ALL_SIZES, ONE_SIZE = ("-a",), ("-s", "4096")


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a pair of perftest programs."""

    tool: str
    measure: str
    service: str
    events: bool = False
    qps: int = 1
    options: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """Return what a test is called."""
        parts = [self.tool, self.measure, self.service, "events" if self.events else "poll", f"{self.qps}qp"]
        return "-".join([*parts, *(option.strip("-") for option in self.options)])

    @property
    def shares_receives(self) -> bool:
        """Whether several queue pairs receive from one queue.

        perftest posts each buffer many times, and a shared queue gives one to two queue pairs at a time: of messages of
        several packets the bytes would mix, as on any device.
        """
        return self.qps > 1 and self.tool == "send" and (self.service == "XRC" or "--use-srq" in self.options)

    def argv(self, port: int) -> list[str]:
        """Return the command line of the server; the client's has the server's host behind it."""
        argv = [f"ib_{self.tool}_{self.measure}", "-F", "-d", "dpu0", "-p", str(port), "-c", self.service]
        if self.events:
            argv.append("-e")
        if self.qps > 1:
            argv += ["-q", str(self.qps)]
        if not {"-a", "-s"} & set(self.options) and self.tool != "atomic":
            argv += ["-s", "65536" if self.service != "UD" and not self.shares_receives else "2048"]
        if "-n" not in self.options:
            # Several queue pairs: a multiple of 100, the moderation of completions. perftest counts the last completion
            # of each as a whole hundred; where one is far ahead of the others it stops polling before all is posted.
            argv += ["-n", "64" if "-a" in self.options else "256" if self.qps == 1 else "300"]
        return argv + list(self.options)


def cases() -> Iterator[Case]:
    """Yield every combination that the tools allow; each asks for something that the others do not."""
    for tool, measure in itertools.product(TOOLS, MEASURES):
        for service in SERVICES[tool]:
            # A target of RDMA WRITEs polls its memory, and no program takes all sizes and events together.
            polls_memory = tool == "write"
            for events in (False,) if polls_memory else (False, True):
                for qps in QPS if measure == "bw" else (1,):
                    yield Case(tool, measure, service, events, qps)
                yield from _variants(tool, measure, service, events)


def _variants(tool: str, measure: str, service: str, events: bool) -> Iterator[Case]:
    def case(*options: str, qps: int = 1) -> Case:
        return Case(tool, measure, service, events, qps, options)

    if tool != "atomic" and not events:
        yield case("-a")
    if service != "XRC":
        yield case("--use_old_post_send")
    if tool == "atomic":
        yield case("-A", "CMP_AND_SWAP")
        yield case("-A", "FETCH_AND_ADD")
    if tool in ("send", "write"):
        yield case("-I", "64", "-s", "64")
        if service != "XRC":
            yield case("-I", "64", "-s", "64", "--use_old_post_send")
    if measure == "bw":
        yield case("-b")
        yield case("-b", qps=4)
        yield case("-l", "8")
        yield case("-t", "1")
    if tool == "send" and service in ("RC", "UD"):
        yield case("--use-srq")
        if measure == "bw":
            yield case("--use-srq", qps=4)
    if tool in ("write", "read") and not events and service == "RC":
        yield case("--odp")
    if measure == "bw" and tool in ("write", "read") and service == "RC":
        yield case("--mr_per_qp", qps=4)


SHORT = (
    Case("send", "bw", "RC"),
    Case("send", "bw", "RC", events=True, qps=4),
    Case("send", "bw", "RC", options=("-a",)),
    Case("send", "bw", "RC", options=("--use-srq",), qps=4),
    Case("send", "bw", "UC", options=("-b",)),
    Case("send", "bw", "UD", qps=4),
    Case("send", "bw", "UD", events=True, options=("--use-srq",)),
    Case("send", "bw", "XRC"),
    Case("send", "lat", "RC", options=("-I", "64", "-s", "64")),
    Case("send", "lat", "RC", events=True),
    Case("send", "lat", "UC", options=("-a",)),
    Case("send", "lat", "UD", options=("--use_old_post_send",)),
    Case("write", "bw", "RC", options=("-a",)),
    Case("write", "bw", "RC", qps=64),
    Case("write", "bw", "RC", options=("-b",), qps=4),
    Case("write", "bw", "UC", qps=4),
    Case("write", "lat", "RC", options=("-a",)),
    Case("write", "lat", "UC", options=("-I", "64", "-s", "64")),
    Case("read", "bw", "RC", options=("-a",)),
    Case("read", "bw", "RC", qps=64),
    Case("read", "bw", "XRC", events=True),
    Case("read", "lat", "RC", options=("--use_old_post_send",)),
    Case("atomic", "bw", "RC", options=("-A", "CMP_AND_SWAP")),
    Case("atomic", "bw", "RC", qps=64),
    Case("atomic", "lat", "RC", events=True),
)


def play(case: Case, transport: TransportName, *, same_node: bool = False, timeout_s: float = 120) -> Run:
    """Run a case to its end.

    Raises:
        RuntimeError: a program failed, or did not end in time.
    """
    port = next(ports)
    argv = case.argv(port)
    nodes = (SERVER, SERVER if same_node else CLIENT)
    return play_pair(argv, [*argv, "127.0.0.1"], nodes, transport, port, timeout_s=timeout_s)
