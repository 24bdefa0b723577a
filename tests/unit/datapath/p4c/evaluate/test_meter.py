"""Token buckets by hand: 1000 bytes a second are one byte a millisecond."""

from datapath.p4c.evaluate.meter import GREEN, RED, YELLOW, Meter

MS = 10**9


def test_two_rates() -> None:
    m = Meter()
    m.set(1000, 100, 2000, 150, 0)
    assert m.run(0, 100) == GREEN  # committed 0, peak 50
    assert m.run(0, 50) == YELLOW  # peak 0
    assert m.run(0, 1) == RED
    assert m.run(10 * MS, 10) == GREEN  # 10 and 20 more
    assert m.run(10 * MS, 10) == YELLOW
    assert m.run(10 * MS, 1) == RED
    assert m.run(10**12, 100, RED) == RED
    assert m.run(10**12, 100, YELLOW) == YELLOW


def test_one_rate_fills_the_excess_bucket_with_what_the_committed_cannot_hold() -> None:
    m = Meter()
    m.set(1000, 100, 0, 50, 0)
    assert [m.run(0, 60) for _ in range(3)] == [GREEN, RED, RED]
    assert m.run(80 * MS, 0) == GREEN  # 40 + 80: full, 20 over, but the excess bucket is full
    assert m.run(80 * MS, 100) == GREEN
    assert m.run(80 * MS, 50) == YELLOW
    assert m.run(80 * MS, 1) == RED
    assert m.run(200 * MS, 100) == GREEN  # 120 more: 20 of them go to the excess bucket
    assert m.run(200 * MS, 20) == YELLOW
    assert m.run(200 * MS, 1) == RED


def test_a_rest_of_a_token_is_kept() -> None:
    m = Meter()
    m.set(1, 1, 0, 0, 0)
    assert m.run(0, 1) == GREEN
    assert m.run(600 * MS, 1) == RED
    assert m.run(1000 * MS, 1) == GREEN


def test_not_set_is_green_or_the_colour_that_came() -> None:
    assert Meter().run(0, 1) == GREEN
    assert Meter().run(0, 1, YELLOW) == YELLOW
