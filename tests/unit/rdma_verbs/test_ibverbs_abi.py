"""The drop-in's picture of the verbs ABI, abi.h, against the header and the library of an installed libibverbs-dev."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from datapath.build import build
from rdma_verbs.ibverbs import LIBIBVERBS, library

ROOT = Path(__file__).resolve().parents[3]
HEADER = Path("/usr/include/infiniband/verbs.h")
ABI = "rdma_verbs/ibverbs/abi.h"
PARTS = (ABI, "rdma_verbs/ibverbs/abi_device.h", "rdma_verbs/ibverbs/abi_numbers.h")

# Ours, or of the kernel's interface only.
NOT_OF_THE_HEADER = {
    "IBV_ABI_EXTENDED", "IBV_DEVICE_FLUSH_GLOBAL", "IBV_DEVICE_FLUSH_PERSISTENT", "IBV_DEVICE_ATOMIC_WRITE",
}  # fmt: skip
# What later releases than Debian 12's added; compared where the header has the name.
NEWER = {
    "IBV_ACCESS_FLUSH_GLOBAL", "IBV_ACCESS_FLUSH_PERSISTENT", "IBV_WC_FLUSH", "IBV_WR_FLUSH", "IBV_QP_EX_WITH_FLUSH",
    "ibv_qp_ex.wr_flush", "ibv_port_attr.active_speed_ex", "verbs_context.reg_mr_ex", "verbs_context.dealloc_dmah",
    "verbs_context.alloc_dmah", "IBV_REG_MR_MASK_IOVA", "IBV_REG_MR_MASK_ADDR", "IBV_REG_MR_MASK_FD",
    "IBV_REG_MR_MASK_FD_OFFSET", "IBV_REG_MR_MASK_DMAH",
}  # fmt: skip
NEWER_STRUCTURES = ("struct ibv_mr_init_attr",)
GROWN = {"ibv_qp_ex": "wr_flush", "ibv_port_attr": "active_speed_ex", "verbs_context": "reg_mr_ex"}
"""Structures with newer fields, whose size differs from an older header's, and one of these fields."""


@dataclass(slots=True)
class Abi:
    """Names of a header that a program can ask the compiler about."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    """By structure ("struct ibv_qp"): its fields, those of nested structures with their path."""
    constants: list[str] = field(default_factory=list)


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"\w+|[{}();,*\[\]=]|\S")


def _members(tokens: list[str], at: int) -> tuple[list[str], int]:
    """The members of a structure whose ``{`` stands before ``at``, and where its ``}`` is."""
    found: list[str] = []
    while tokens[at] != "}":
        inner: list[str] = []
        pointer: str | None = None
        names: list[str] = []
        depth = 0
        while tokens[at] != ";":
            if tokens[at] == "{":
                inner, at = _members(tokens, at + 1)
                names = []
            elif tokens[at] == "(" and tokens[at + 1] == "*" and pointer is None:
                pointer = tokens[at + 2]
                depth += 1
            elif tokens[at] in "([":
                depth += 1
            elif tokens[at] in ")]":
                depth -= 1
            elif depth == 0 and tokens[at + 1] in ";,[" and re.match(r"[A-Za-z_]", tokens[at]):
                names.append(tokens[at])
            at += 1
        at += 1
        if pointer:
            names = [pointer]
        found += names or inner
        found += [f"{name}.{one}" for name in names for one in inner]
    return found, at


def parse(text: str) -> Abi:
    """Return the structures and numbers that a header declares."""
    text = _COMMENT.sub("", text)
    abi = Abi(constants=re.findall(r"^\s*#define (IBV_\w+) +\S", text, re.MULTILINE))
    for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", text, re.DOTALL):
        abi.constants += re.findall(r"(IBV_\w+)\s*=", body)
    tokens = _TOKEN.findall(re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))
    for at in range(len(tokens) - 2):
        outside = tokens[:at].count("{") == tokens[:at].count("}") if tokens[at] in ("struct", "union") else False
        if outside and tokens[at + 2] == "{":
            abi.fields[f"{tokens[at]} {tokens[at + 1]}"], _ = _members(tokens, at + 3)
    return abi


def measure(include: str, abi: Abi, skip: Callable[[str], bool], folder: Path) -> dict[str, int]:
    """Return what the compiler says of each size, offset and number with that header included."""
    lines = [f"#include {include}", "#include <stdio.h>", "int main(void)", "{"]
    for kind, members in abi.fields.items():
        name = kind.split()[1]
        lines.append(f'printf("sizeof {name} %zu\\n", sizeof({kind}));')
        for member in members:
            key = f"{name}.{member}"
            if skip(key):
                continue
            # verbs_context grows at its front: what counts is how far from its end a field is.
            where = f"sizeof({kind}) - offsetof({kind}, {member})" if name == "verbs_context" else None
            lines.append(f'printf("{key} %zu\\n", {where or f"offsetof({kind}, {member})"});')
            lines.append(f'printf("sizeof {key} %zu\\n", sizeof((({kind} *)0)->{member}));')
    for name in abi.constants:
        if not skip(name):
            lines.append(f'printf("{name} %lld\\n", (long long)(size_t)({name}));')
    lines += ["return 0;", "}"]
    source, program = folder / "measure.c", folder / "measure"
    source.write_text("\n".join(lines), encoding="utf-8")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-w", f"-I{ROOT}", str(source), "-o", str(program)], check=True)
    said = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return {key: int(value) for key, value in (line.rsplit(" ", 1) for line in said.splitlines())}


def test_parser_finds_nested_and_function_members() -> None:
    abi = parse(
        """
        #define IBV_ONE 1 /* a struct x { int y; }; in words */
        enum ibv_e { IBV_TWO = 2, IBV_THREE = 3 };
        struct ibv_s {
            int a, b[4];
            union { uint32_t c; struct { int d; } e; };
            struct { int f; } g;
            int (*h)(struct ibv_s *s, int i);
        };
        """
    )
    assert abi.fields == {"struct ibv_s": ["a", "b", "c", "e", "e.d", "g", "g.f", "h"]}
    assert abi.constants == ["IBV_ONE", "IBV_TWO", "IBV_THREE"]


def test_layout_and_numbers_are_those_of_libibverbs(require_peer: Callable[..., None], tmp_path: Path) -> None:
    require_peer("libibverbs")
    abi = parse("\n".join((ROOT / name).read_text(encoding="utf-8") for name in PARTS))
    assert len(abi.fields) > 50
    assert len(abi.constants) > 250
    words = set(re.findall(r"\w+", HEADER.read_text(encoding="utf-8")))
    lacking = {name for name in NEWER if name.split(".")[-1] not in words}
    for kind in NEWER_STRUCTURES:
        if kind.split()[1] not in words:
            del abi.fields[kind]

    def skip(key: str) -> bool:
        return key in NOT_OF_THE_HEADER or key in lacking or key.startswith("verbs_context.newer")

    ours = measure(f'"{ABI}"', abi, skip, tmp_path)
    theirs = measure("<infiniband/verbs.h>", abi, skip, tmp_path)
    for name, newest in GROWN.items():
        if newest not in words:
            assert ours.pop(f"sizeof {name}") > theirs.pop(f"sizeof {name}")
    assert ours == theirs


def test_sizes_of_the_newest_release(tmp_path: Path) -> None:
    abi = Abi({f"struct {name}": [] for name in GROWN})
    assert measure(f'"{ABI}"', abi, lambda key: False, tmp_path) == {
        "sizeof ibv_qp_ex": 360,
        "sizeof ibv_port_attr": 56,
        "sizeof verbs_context": 696,
    }


def exports(path: Path) -> set[str]:
    """Return the names that a shared library exports, with their versions; programs link with those after ``@@``."""
    said = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", str(path)], capture_output=True)
    return {line.split()[-1] for line in said.stdout.decode().splitlines()}


def installed_libibverbs() -> Path:
    said = subprocess.run(["cc", "-print-file-name=libibverbs.so.1"], check=True, capture_output=True, text=True)
    return Path(said.stdout.strip())


def test_every_symbol_of_libibverbs_is_there(require_peer: Callable[..., None]) -> None:
    require_peer("libibverbs")
    theirs = exports(installed_libibverbs())
    assert len(theirs) > 190
    assert theirs - exports(library(LIBIBVERBS)) == set()


@pytest.mark.parametrize("node", ["1.15", "1.18", "PRIVATE_57", "PRIVATE_59", "PRIVATE_64", "PRIVATE_65"])
def test_nodes_of_later_releases_are_there(node: str) -> None:
    assert f"IBVERBS_{node}" in exports(library(LIBIBVERBS))


def test_nothing_else_is_exported() -> None:
    own = {name for name in exports(library(LIBIBVERBS)) if not re.search(r"@IBVERBS_|^IBVERBS_", name)}
    assert own == set()


def test_it_needs_libc_only() -> None:
    if build().sanitizers:
        pytest.skip("a sanitized build needs the sanitizers' runtime")
    said = subprocess.run(["objdump", "-p", str(library(LIBIBVERBS))], check=True, capture_output=True, text=True)
    needed = set(re.findall(r"NEEDED +(\S+)", said.stdout))
    assert needed <= {"libc.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
    assert re.search(r"SONAME +libibverbs\.so\.1\n", said.stdout)
