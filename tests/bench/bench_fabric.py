"""The fabric simulator on fat trees: hops a CPU second and memory a host, from 16 to 8192 hosts.

A permutation crosses pods: 100G, 2 MB a flow, MTU 4096, ECMP, DCQCN with ECN and PFC. Queues are as long as ECN lets
them be, so memory is measured with Kmin 100 KB and with 400 KB.
"""

from tests.bench.machine import measure, programs, report

BYTES = "2000000"


def main() -> None:
    """Print the figures."""
    programs()
    report(
        targets={"hops_a_cpu_s": {"k=16": 3e6, "k=32": 1e6}, "rss_bytes_a_host": {"k=16": 16384}},
        results=[measure("bench_fabric", k, BYTES, "100") for k in ("4", "8", "16", "32")],
        kmin_400_kb=measure("bench_fabric", "16", BYTES, "400"),
    )


if __name__ == "__main__":
    main()
