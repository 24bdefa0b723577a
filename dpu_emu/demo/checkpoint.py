"""A file shaped like a training checkpoint: a JSON header that names tensors, then their bytes."""

import hashlib
import json
from pathlib import Path

import numpy as np

__all__ = ["make_checkpoint", "sha256"]


def make_checkpoint(path: Path, size_bytes: int, seed: int = 1) -> None:
    """Write a file of exactly ``size_bytes``: 8 bytes of header length, the header, float32 weights.

    The same arguments give the same file on every machine.

    Raises:
        ValueError: ``size_bytes`` has no room for the header.
    """
    layer_bytes = 4 << 20
    header = b""
    count = max(1, size_bytes // layer_bytes)
    tensors = {f"model.layers.{i}.mlp.weight": {"dtype": "F32", "shape": [1024, 1024]} for i in range(count)}
    header = json.dumps(tensors).encode()
    if size_bytes < 8 + len(header):
        raise ValueError(f"checkpoint of {size_bytes} bytes has no room for its header of {len(header)}")
    weights = np.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        left = size_bytes - 8 - len(header)
        while left:
            piece = weights.standard_normal(layer_bytes // 4, dtype=np.float32).tobytes()[:left]
            file.write(piece)
            left -= len(piece)


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
