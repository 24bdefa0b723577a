"""What is read from ldd, and what a missing program says."""

import pytest

from dpu_emu.lab import programs
from dpu_emu.lab.errors import ImageError


def test_libraries_of_ldd_with_the_loader_and_without_the_vdso() -> None:
    output = (
        "\tlinux-vdso.so.1 (0x00007ffc)\n"
        "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f01)\n"
        "\tlibgone.so => not found\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f02)\n"
    )
    assert programs.linked_libraries(output) == ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]
    assert programs.linked_libraries("\tnot a dynamic executable\n") == []


def test_a_missing_program_names_its_package() -> None:
    assert programs.find_program("no-such-program") is None
    with pytest.raises(ImageError, match="no no-such-program on this machine: install its-package"):
        programs.need_program("no-such-program", "its-package")
