"""Threads that post on one live device: messages per second in all, and how long a post_send() takes its caller."""

from tests.bench.machine import measure, programs, report


def main() -> None:
    """Print the figures."""
    programs()
    report(**{f"threads_{n}": measure("bench_live_threads", str(n), "100000") for n in (1, 2, 4)})


if __name__ == "__main__":
    main()
