"""Many RC queue pairs: bytes of an idle one, the time to bring all up, what a packet costs with few and with all."""

from tests.bench.machine import measure, programs, report


def main() -> None:
    """Print the figures."""
    programs()
    report(
        targets={
            "idle_bytes_per_qp": 2048,
            "create_to_rts_cpu_s + first_packets_cpu_s": 2.0,
            "ratio_to_ten": 1.3,
        },
        results=measure("bench_qps", "100000", "200000"),
    )


if __name__ == "__main__":
    main()
