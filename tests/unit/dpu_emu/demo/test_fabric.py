"""The demo's fabric: a bystander suffers under PFC alone, and DCQCN gives it its link back."""

from dpu_emu.demo import Control, run_incast


def test_dcqcn_spares_the_bystander_and_nobody_loses() -> None:
    pfc, dcqcn = (run_incast(control) for control in Control)
    assert (pfc.control, dcqcn.control) == ("PFC", "DCQCN")
    assert pfc.drops == dcqcn.drops == 0
    assert pfc.marked == 0 < dcqcn.marked
    assert dcqcn.pfc_frames < pfc.pfc_frames / 2
    assert pfc.bystander_bps < 10e9 < 25e9 < dcqcn.bystander_bps
    assert min(pfc.incast_bps, dcqcn.incast_bps) > 75e9
    assert run_incast(Control.DCQCN).hash == dcqcn.hash
