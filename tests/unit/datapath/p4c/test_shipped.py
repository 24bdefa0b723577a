"""The programs that come with us and their P4Info on file."""

from pathlib import Path

import pytest

from datapath.p4c.compiler import compile_file
from datapath.p4c.p4info import p4info_text
from datapath.p4c.preprocess import include_dir

P4 = include_dir().parent
PROGRAMS = sorted(path.stem for path in P4.glob("*.p4"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_p4info_on_file_is_the_programs(name: str) -> None:
    compiled = compile_file(P4 / f"{name}.p4")
    assert not compiled.warnings
    on_file = (P4 / f"{name}.p4info.txtpb").read_text()
    assert p4info_text(compiled.design, compiled.info) == on_file, f"dpu-emu p4 compile p4/{name}.p4 --p4info writes it"


def test_a_bare_name_is_a_program_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "L3Ingress.ipv4_lpm" in compile_file("l3.p4").info.tables
    (tmp_path / "l3.p4").write_text((P4 / "firewall.p4").read_text())
    assert "FirewallControl.rules" in compile_file("l3.p4").info.tables
