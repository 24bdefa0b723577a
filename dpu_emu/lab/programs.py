"""The system's own programs and what they link to, whatever the user's PATH and virtual environment say."""

import re
import shutil
from pathlib import Path

from dpu_emu.lab.errors import ImageError

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(name: str) -> Path | None:
    """Return a program of the system, or None if it is not installed."""
    found = shutil.which(name, path=_PATH)
    return Path(found) if found else None


def need_program(name: str, package: str) -> Path:
    """Return a program of the system.

    Raises:
        ImageError: it is not installed; the message names its Debian package.
    """
    found = find_program(name)
    if not found:
        raise ImageError(f"no {name} on this machine: install {package}")
    return found


def linked_libraries(ldd_output: str) -> list[str]:
    """Return the library paths that `ldd` printed, the loader included."""
    return re.findall(r"(?:=> |^\s+)(/\S+) \(", ldd_output, re.MULTILINE)
