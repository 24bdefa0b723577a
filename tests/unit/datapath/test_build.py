import errno
import re
from pathlib import Path

import pytest

from datapath import _native
from datapath.build import build
from datapath.errors import CallerError


def test_version_is_that_of_the_header() -> None:
    header = Path(__file__).resolve().parents[3] / "datapath/csrc/version.h"
    found = re.search(r'#define DP_VERSION "([^"]+)"', header.read_text(encoding="utf-8"))
    assert found
    assert build().version == found[1]


def test_negative_results_raise_and_others_pass() -> None:
    assert _native.check(3, "x") == 3
    with pytest.raises(CallerError) as caught:
        _native.check(-errno.ENOENT, "port 7")
    assert caught.value.errno == errno.ENOENT
