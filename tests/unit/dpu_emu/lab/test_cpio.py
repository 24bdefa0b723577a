"""The cpio writer, read back by the newc rules and by the system's own cpio when it is there."""

import io
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from dpu_emu.lab.cpio import CpioWriter


@dataclass
class Entry:
    mode: int
    content: bytes
    mtime_s: int
    device: tuple[int, int]


def read_newc(archive: bytes) -> dict[str, Entry]:
    """Return the entries by name; a wrong header or padding fails an assertion."""
    entries: dict[str, Entry] = {}
    offset = 0
    while True:
        assert archive[offset : offset + 6] == b"070701"
        fields = [int(archive[offset + 6 + 8 * i : offset + 14 + 8 * i], 16) for i in range(13)]
        name_start = offset + 110
        name = archive[name_start : name_start + fields[11] - 1].decode()
        content_start = -(-(name_start + fields[11]) // 4) * 4
        content = archive[content_start : content_start + fields[6]]
        if name == "TRAILER!!!":
            return entries
        assert name not in entries
        entries[name] = Entry(fields[1], content, fields[5], (fields[9], fields[10]))
        offset = -(-(content_start + fields[6]) // 4) * 4


def build() -> bytes:
    out = io.BytesIO()
    with CpioWriter(out) as archive:
        archive.data("/usr/bin/tool", b"abcde", 0o755, mtime_s=77)
        archive.data("usr/bin/tool", b"second one loses")
        archive.link("bin", "usr/bin")
        archive.character_device("dev/console", 5, 1)
    return out.getvalue()


def test_entries_read_back_with_their_parents() -> None:
    entries = read_newc(build())
    assert list(entries) == ["usr", "usr/bin", "usr/bin/tool", "bin", "dev", "dev/console"]
    tool = entries["usr/bin/tool"]
    assert (tool.mode, tool.content, tool.mtime_s) == (stat.S_IFREG | 0o755, b"abcde", 77)
    assert entries["bin"].content == b"usr/bin"
    assert stat.S_ISLNK(entries["bin"].mode)
    assert entries["dev/console"].device == (5, 1)
    assert stat.S_ISCHR(entries["dev/console"].mode)
    assert stat.S_ISDIR(entries["usr"].mode)


def test_archive_is_padded_to_blocks() -> None:
    assert len(build()) % 512 == 0


def test_archives_can_follow_one_another() -> None:
    out = io.BytesIO()
    for name in ("one", "two"):
        with CpioWriter(out) as archive:
            archive.data(name, name.encode())
    half = len(out.getvalue()) // 2
    assert read_newc(out.getvalue()[half:])["two"].content == b"two"


def test_membership_ignores_the_leading_slash() -> None:
    archive = CpioWriter(io.BytesIO())
    archive.data("/etc/hosts", b"")
    assert "etc/hosts" in archive
    assert "/etc" in archive
    assert "etc/passwd" not in archive


def test_no_trailer_after_an_exception() -> None:
    out = io.BytesIO()
    with pytest.raises(RuntimeError), CpioWriter(out):
        raise RuntimeError
    assert out.getvalue() == b""


def test_copy_keeps_time_and_makes_readable(tmp_path: Path) -> None:
    source = tmp_path / "secret"
    source.write_bytes(b"x")
    source.chmod(0o700)
    out = io.BytesIO()
    with CpioWriter(out) as archive:
        archive.copy("secret", source)
    entry = read_newc(out.getvalue())["secret"]
    assert stat.S_IMODE(entry.mode) == 0o744
    assert entry.mtime_s == int(source.stat().st_mtime)


@pytest.mark.skipif(not shutil.which("cpio"), reason="no cpio on this machine")
def test_gnu_cpio_lists_the_same_names() -> None:
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=build(), stdout=subprocess.PIPE, check=True).stdout
    assert listed.decode().split() == ["usr", "usr/bin", "usr/bin/tool", "bin", "dev", "dev/console"]
