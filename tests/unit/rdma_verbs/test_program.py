"""Programs into which the libraries would not be loaded are refused, each with its reason."""

import os
import shutil
import struct
import sys
from pathlib import Path

import pytest

from datapath.errors import CallerError
from rdma_verbs.ibverbs.program import check_program, find_program, read_elf


def elf(path: Path, *, bits: int = 64, machine: int = 62, linker: str | None = "/lib64/ld-linux-x86-64.so.2") -> Path:
    """Write an ELF file of a header and, with a dynamic linker, one program header."""
    wide = bits == 64
    head_bytes, entry_bytes = (64, 56) if wide else (52, 32)
    name = (linker or "").encode() + b"\0"
    count = 0 if linker is None else 1
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1, 1)) + bytes(9)
    word = "Q" if wide else "I"
    head = ident + struct.pack(f"<HHI{word}{word}{word}IHHHHHH", 3, machine, 1, 0, head_bytes, 0, 0, head_bytes,
                               entry_bytes, count, 0, 0, 0)  # fmt: skip
    where = head_bytes + entry_bytes
    entry = (
        struct.pack("<IIQQQQQQ", 3, 4, where, 0, 0, len(name), len(name), 1)
        if wide
        else struct.pack("<IIIIIIII", 3, where, 0, 0, len(name), len(name), 4, 1)
    )
    path.write_bytes(head + entry + name)
    path.chmod(0o755)
    return path


def test_linker_of_real_programs_is_found() -> None:
    own = read_elf(Path(sys.executable).resolve())
    assert own is not None
    assert own.bits == 64
    assert "ld-linux" in own.linker
    check_program(Path(sys.executable))
    check_program(Path("/bin/sh"))


def test_headers_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = read_elf(elf(tmp_path / "a", bits=32, machine=3, linker="/lib/ld-linux.so.2"))
    assert found is not None
    assert (found.bits, found.machine, found.linker) == (32, 3, "/lib/ld-linux.so.2")


@pytest.mark.parametrize(
    "text", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + bytes(60), b"\x7fELF\2\1\1" + b"\xff" * 80]
)
def test_anything_else_is_no_elf_or_has_no_linker(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(text)
    found = read_elf(tmp_path / "x")
    assert found is None or not found.linker


def test_programs_without_our_libraries_are_refused(tmp_path: Path) -> None:
    for program, why in (
        (elf(tmp_path / "static", linker=None), "statically linked"),
        (elf(tmp_path / "narrow", bits=32, machine=3), "another architecture"),
        (elf(tmp_path / "arm", machine=183), "another architecture"),
        (elf(tmp_path / "musl", linker="/lib/ld-musl-x86_64.so.1"), "needs musl"),
    ):
        with pytest.raises(CallerError, match=why):
            check_program(program)
    check_program(elf(tmp_path / "good"))


def test_scripts_are_judged_by_their_interpreter(tmp_path: Path) -> None:
    def script(name: str, first: str) -> Path:
        (tmp_path / name).write_text(f"{first}\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
        return tmp_path / name

    check_program(script("a", "#!/bin/sh"))
    check_program(script("b", "#! /usr/bin/env python3"))
    check_program(script("c", "echo no interpreter"))
    check_program(script("d", f"#!{tmp_path}/a"))
    with pytest.raises(CallerError, match=r"interpreter /no/such does not exist"):
        check_program(script("e", "#!/no/such -x"))
    elf(tmp_path / "static", linker=None)
    with pytest.raises(CallerError, match=r"/f \(.*/static\) is statically linked"):
        check_program(script("f", f"#!{tmp_path}/static"))


def test_setuid_programs_are_refused(tmp_path: Path) -> None:
    program = elf(tmp_path / "program")
    program.chmod(0o4755)
    check_program(program)  # its owner's rights are ours already
    if os.getuid():
        pytest.skip("needs root: a program of another user")
    os.chown(program, 1000, -1)
    program.chmod(0o4755)
    with pytest.raises(CallerError, match="is setuid"):
        check_program(program)
    os.chown(program, 0, 1000)
    program.chmod(0o2755)
    with pytest.raises(CallerError, match="is setgid"):
        check_program(program)


def test_programs_are_found_as_a_shell_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = elf(tmp_path / "tool")
    monkeypatch.chdir(tmp_path)
    assert find_program("tool", f"/no:{tmp_path}") == program
    assert find_program("./tool", "/no") == Path("./tool")
    (tmp_path / "plain").write_text("x", encoding="ascii")
    for command, why in (
        ("tool", "no program 'tool' in PATH"),
        ("./nothing", "no program ./nothing"),
        ("./plain", "not a file that may be run"),
        (str(tmp_path), "a folder"),
    ):
        with pytest.raises(CallerError, match=why):
            find_program(command, "/no")


def test_busybox_of_debian_is_static() -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is missing")
    with pytest.raises(CallerError, match="statically linked"):
        check_program(Path(busybox))
