"""How many examples a property test runs: few and always the same in ``make test``, many and new in ``make long``.

No explain phase: it traces every line of the run, which takes minutes; the smallest scenario explains enough.
"""

import os

from hypothesis import HealthCheck, Phase, settings

ROUNDS = int(os.environ.get("DPU_ROUNDS", "1"))
LONG_EXAMPLES = 100
"""In each of DPU_ROUNDS rounds."""

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
_HEALTH = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


def in_test(examples: int) -> settings:
    """Settings of a test of ``make test``: the same examples every time."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=_PHASES,
        suppress_health_check=_HEALTH,
        print_blob=True,
    )


in_long = settings(
    max_examples=LONG_EXAMPLES * ROUNDS,
    deadline=None,
    phases=_PHASES,
    suppress_health_check=_HEALTH,
    print_blob=True,
)
"""Settings of a test of ``make long``."""
