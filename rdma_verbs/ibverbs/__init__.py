"""The drop-in: what makes verbs programs that were not written for us find our device.

``libibverbs.so.1`` is the library that they link with, ``libdpu_redirect.so`` shows them the device's files where they
look for them (``sysfs.py`` makes these), ``rdma`` is the tool of that name. ``rdma_verbs.launch`` starts a program so.
"""

from importlib.util import find_spec
from pathlib import Path

from datapath.errors import DpuError

__all__ = ["LIBIBVERBS", "REDIRECT", "TOOL", "library"]

LIBIBVERBS = "libibverbs.so.1"
REDIRECT = "libdpu_redirect.so"
TOOL = "rdma"


def library(name: str) -> Path:
    """Return where a library or tool of the installation is.

    Beside the compiled module of the package: in an editable install that is not where the sources are.

    Raises:
        DpuError: this installation has none.
    """
    module = find_spec("rdma_verbs._roce_cffi")
    folder = Path(module.origin).parent if module and module.origin else Path(__file__).parents[1]
    path = folder / "lib" / name
    if not path.is_file():
        raise DpuError(f"{name}: not in this installation ({path})")
    return path
