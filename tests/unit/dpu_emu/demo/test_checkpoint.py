import hashlib
import json
from pathlib import Path

import pytest

from dpu_emu.demo import make_checkpoint, sha256


def test_a_checkpoint_has_a_header_and_exactly_the_size_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x"
    make_checkpoint(path, 9_000_001)
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert len(data) == 9_000_001
    assert list(header) == ["model.layers.0.mlp.weight", "model.layers.1.mlp.weight"]
    assert sha256(path) == hashlib.sha256(data).hexdigest()


def test_a_checkpoint_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_checkpoint(tmp_path / name, 100_000, seed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_a_checkpoint_without_room_for_its_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="checkpoint of 50 bytes has no room for its header"):
        make_checkpoint(tmp_path / "x", 50)
    assert not (tmp_path / "x").exists()
