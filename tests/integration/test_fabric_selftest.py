"""A congestion knob that is turned changes what comes out; the same seed does not."""

import pytest

from dpu_emu.fabric.selftest import KNOBS, selftest


def test_every_knob_changes_the_outcome() -> None:
    rows = selftest()
    assert [row["check"] for row in rows if not row["ok"]] == []
    assert len(rows) == len(KNOBS) + 1


def test_a_knob_without_effect_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOBS, "nothing", ("seed: 3", "seed: 3"))
    assert [row["check"] for row in selftest() if not row["ok"]] == ["nothing"]
