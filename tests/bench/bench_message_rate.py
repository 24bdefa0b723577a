"""Messages and bytes per second of one core, both engines included, over the memory pair in virtual time."""

from typing import Any

from tests.bench.machine import measure, programs, report, spread

ROUNDS = 5


def case(figure: str, *arguments: str) -> dict[str, Any]:
    """Return a few runs of one case: the last in full, and the spread of its figure."""
    runs = [measure("bench_message_rate", *arguments) for _ in range(ROUNDS)]
    return {**runs[-1], figure: spread([run[figure] for run in runs])}


def main() -> None:
    """Print the figures."""
    programs()
    report(
        targets={"messages_per_s of 64-byte sends": 1_500_000},
        send_64=case("messages_per_s", "send", "64", "1000000"),
        write_4096=case("gbytes_per_s", "write", "4096", "200000"),
        write_65536=case("gbytes_per_s", "write", "65536", "15000"),
    )


if __name__ == "__main__":
    main()
