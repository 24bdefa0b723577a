"""The image's cache place and its package list."""

from pathlib import Path

import pytest

from dpu_emu.lab import image


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DPU_EMU_LAB_CACHE", str(tmp_path))
    assert image.cache_folder() == tmp_path
    monkeypatch.delenv("DPU_EMU_LAB_CACHE")
    monkeypatch.setenv("HOME", "/home/someone")
    assert image.cache_folder() == Path("/home/someone/.cache/dpu-emu/lab")


def test_nothing_is_ready_in_an_empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DPU_EMU_LAB_CACHE", str(tmp_path))
    assert image.ready() is None


def test_packages_are_printed_for_apt(capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main(["--packages"]) == 0
    printed = capsys.readouterr().out.split()
    assert tuple(printed) == image.PACKAGES
    assert "qemu-system-x86" in printed
    assert "tshark" not in printed, "a peer, but no part of a guest"
