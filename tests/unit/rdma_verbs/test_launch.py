"""What `dpu-emu run` makes of its options; libraries and programs are made up."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datapath.errors import CallerError, DpuError
from rdma_verbs import launch
from rdma_verbs.agent.rundir import Address
from rdma_verbs.ibverbs import LIBIBVERBS, REDIRECT, TOOL, library
from rdma_verbs.launch import Launch, Transport

NODE = Launch(Address("127.13.1.1"))


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of the test's own, and an installation with empty libraries."""
    (tmp_path / "lib").mkdir()
    for name in (LIBIBVERBS, REDIRECT, TOOL):
        (tmp_path / "lib" / name).write_text(name, encoding="ascii")
    monkeypatch.setattr(launch, "library", lambda name: tmp_path / "lib" / name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    return tmp_path / "run" / "dpu-emu"


def test_numbered_nodes_are_loopback_addresses() -> None:
    assert launch.node_address("1").text == "127.79.0.1"
    assert launch.node_address("258").text == "127.79.1.2"
    assert launch.node_address("65534").text == "127.79.255.254"


def test_an_address_or_name_of_this_machine_is_a_node() -> None:
    assert launch.node_address("127.13.1.7").text == "127.13.1.7"
    assert launch.node_address("::1").text == "::1"
    assert launch.node_address("localhost").text.startswith("127.")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0", "numbers go from 1 to 65534"),
        ("65535", "numbers go from 1 to 65534"),
        ("192.0.2.1", "no address of this machine"),
        ("2001:db8::1", "no address of this machine"),
        ("0.0.0.0", "not all of them"),
        ("::", "not all of them"),
        ("239.1.2.3", "of a group"),
        ("no such name", "neither a number nor an address nor a name"),
        ("", "neither a number nor an address nor a name"),
        ("-1", "neither a number nor an address nor a name"),
    ],
)
def test_what_is_no_node_is_refused(text: str, why: str) -> None:
    with pytest.raises(CallerError, match=why):
        launch.node_address(text)


@pytest.mark.parametrize(
    ("text", "ppm"),
    [("0", 0), ("1%", 10_000), ("0.01", 10_000), ("0.25%", 2500), ("100%", 1_000_000), ("0.999", 999_000)],
)
def test_loss_is_a_percentage_or_a_share(text: str, ppm: int) -> None:
    assert launch.loss_ppm(text) == ppm


@pytest.mark.parametrize("text", ["200%", "-1%", "1", "1.5", "nan", "nan%", "inf", "%", "", "1 percent", "1%%"])
def test_other_losses_are_refused(text: str) -> None:
    with pytest.raises(CallerError, match="loss"):
        launch.loss_ppm(text)


def test_names_of_options_are_checked() -> None:
    assert [launch.congestion_name(name) for name in ("none", "DCQCN", "paper")] == ["none", "dcqcn", "paper"]
    assert launch.recovery_names("") == ()
    assert launch.recovery_names("selective_repeat, OOO,ooo") == ("selective_repeat", "ooo")
    for wrong in ("cubic", "window", ""):
        with pytest.raises(CallerError, match="there are none, dcqcn"):
            launch.congestion_name(wrong)
    for wrong in ("retry_forever", "go_back_n", "x"):
        with pytest.raises(CallerError, match="there are nak_rearm, adaptive_timeout, selective_repeat, ooo"):
            launch.recovery_names(wrong)
    with pytest.raises(CallerError, match="ooo needs selective_repeat"):
        launch.recovery_names("ooo,nak_rearm")


def test_environment_says_what_the_library_reads() -> None:
    said = Launch(
        Address("127.13.1.2"),
        Transport.UDP,
        10_000,
        Path("/tmp/x.pcap"),
        "dcqcn",
        ("selective_repeat", "ooo"),
        seed=7,
        check=True,
    )
    env = launch.make_environment(said, {"HOME": "/root", "PATH": "/bin"})
    told = {name: value for name, value in env.items() if name.startswith("DPU_EMU_")}
    assert Path(told.pop("DPU_EMU_SYSFS")).is_dir()
    assert told == {
        "DPU_EMU_NODE": "127.13.1.2",
        "DPU_EMU_TRANSPORT": "udp",
        "DPU_EMU_LOSS_PPM": "10000",
        "DPU_EMU_PCAP": "/tmp/x.pcap",
        "DPU_EMU_CC": "dcqcn",
        "DPU_EMU_RECOVERY": "selective_repeat,ooo",
        "DPU_EMU_SEED": "7",
        "DPU_EMU_CHECK": "1",
        "DPU_EMU_PYTHON": sys.executable,
        "DPU_EMU_PYTHONPATH": str(Path(launch.__file__).parents[1]),
        "DPU_EMU_ORIG_PATH": "/bin",
    }
    assert env["HOME"] == "/root"


def test_libraries_come_before_what_was_there(runtime: Path) -> None:
    given = {"LD_PRELOAD": "/lib/a.so /lib/b.so", "LD_LIBRARY_PATH": "/opt/lib", "PATH": "/usr/bin:/bin"}
    env = launch.make_environment(NODE, given)
    (folder,) = runtime.glob("lib-*")
    assert env["LD_PRELOAD"] == f"{folder}/libdpu_redirect.so:{folder}/libibverbs.so.1:/lib/a.so /lib/b.so"
    assert env["LD_LIBRARY_PATH"] == f"{folder}:/opt/lib"
    assert env["PATH"] == f"{folder}/bin:/usr/bin:/bin"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    assert names == ["bin/rdma", "libdpu_redirect.so", "libibverbs.so", "libibverbs.so.1"]
    assert (folder / "libibverbs.so").read_text() == LIBIBVERBS
    assert {name: env[f"DPU_EMU_ORIG_{name}"] for name in given} == given


@pytest.mark.parametrize("given", [{"PATH": "/bin", "A": "b"}, {"LD_PRELOAD": "/x.so", "PATH": "/bin"}, {}])
def test_a_launcher_in_a_launched_program_starts_clean(given: dict[str, str]) -> None:
    outer = launch.make_environment(Launch(Address("127.13.1.1"), loss_ppm=5, seed=1), given)
    assert launch.clean_environment(outer) == given
    inner = launch.make_environment(Launch(Address("127.13.1.2")), outer)
    assert inner == launch.make_environment(Launch(Address("127.13.1.2")), given)


def test_debug_of_the_caller_is_kept_and_other_settings_are_not() -> None:
    env = launch.make_environment(
        NODE, {"PATH": "/bin", "DPU_EMU_DEBUG": "1", "DPU_EMU_LOSS_PPM": "9", "DPU_EMU_X": "y"}
    )
    assert (env["DPU_EMU_DEBUG"], env["DPU_EMU_LOSS_PPM"], env.get("DPU_EMU_X")) == ("1", "0", None)


def test_folders_are_shared_and_the_users_own(runtime: Path) -> None:
    first, second = launch.make_environment(NODE, {}), launch.make_environment(NODE, {})
    assert first == second
    other = launch.make_environment(Launch(Address("127.13.1.2")), {})
    assert other["LD_PRELOAD"] == first["LD_PRELOAD"]
    assert other["DPU_EMU_SYSFS"] != first["DPU_EMU_SYSFS"]
    assert stat.S_IMODE(runtime.stat().st_mode) == stat.S_IMODE(Path(first["DPU_EMU_SYSFS"]).stat().st_mode) == 0o700
    assert len(list(runtime.iterdir())) == 3


def test_pictures_that_nobody_used_for_long_are_removed(runtime: Path) -> None:
    used = Path(launch.make_environment(NODE, {})["DPU_EMU_SYSFS"])
    old, young = used.with_name("sysfs-old"), used.with_name("sysfs-young")
    for folder, days in ((old, 31), (young, 29), (used, 31)):
        (folder / "sys").mkdir(parents=True, exist_ok=True)
        os.utime(folder, (time.time() - days * 86400,) * 2)
    again = launch.sysfs_folder(Address("127.13.1.2"))
    assert again.is_dir()
    assert (old.exists(), young.exists(), used.exists()) == (False, True, False)
    assert Path(launch.make_environment(NODE, {})["DPU_EMU_SYSFS"]) == used
    assert used.stat().st_mtime > time.time() - 60


def test_a_runtime_folder_that_is_not_ours_alone_is_refused(runtime: Path) -> None:
    runtime.mkdir()
    runtime.chmod(0o755)
    with pytest.raises(CallerError, match="0700"):
        launch.make_environment(NODE, {})


def test_a_runtime_folder_that_ld_preload_cannot_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "a b"))
    (tmp_path / "a b").mkdir()
    with pytest.raises(CallerError, match="a space or a colon"):
        launch.make_environment(NODE, {})


def test_an_installation_without_the_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "library", library)
    with pytest.raises(DpuError, match=r"libnone\.so: not in this installation"):
        library("libnone.so")


def test_capture_is_a_whole_path_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert launch.pcap_file(Path("x.pcap")) == tmp_path / "x.pcap"
    for wrong, why in ((tmp_path, "a folder"), (tmp_path / "no" / "x", "no folder")):
        with pytest.raises(CallerError, match=why):
            launch.pcap_file(wrong)


def test_program_gets_signals_and_environment_as_from_a_shell(tmp_path: Path) -> None:
    """Python ignores SIGPIPE and may set LC_CTYPE; a program must not see either."""
    code = (
        "import sys; from rdma_verbs import launch; from pathlib import Path\n"
        "launch.execute(Path('/bin/sh'), ['sh', '-c', "
        "'grep SigIgn /proc/self/status; echo \"[$LC_CTYPE]\"; echo $0 $A; exit 5'], "
        "launch.inherited_environment() | {'A': 'b'})"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    ignored, ctype, rest = done.stdout.splitlines()
    assert int(ignored.split()[1], 16) & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0
    assert (ctype, rest, done.returncode) == ("[]", "sh b", 5)


def test_a_script_without_an_interpreter_is_run_by_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo ran $1\n", encoding="ascii")
    script.chmod(0o755)
    code = (
        "import os; from rdma_verbs import launch; from pathlib import Path\n"
        f"launch.execute(Path({str(script)!r}), ['script', 'so'], os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "ran so\n"
