"""Check values of the catalogues for ``123456789``, and sums by hand."""

import pytest

from datapath.p4c.evaluate.hashes import digest


@pytest.mark.parametrize(
    ("algorithm", "data", "result"),
    [
        ("crc16", b"123456789", 0xBB3D),
        ("crc32", b"123456789", 0xCBF43926),
        ("crc32_custom", b"123456789", 0xCBF43926),
        ("CRC16", b"", 0),
        ("csum16", bytes.fromhex("45000073000040004011 0000 c0a80001c0a800c7"), 0xB861),
        ("csum16", b"\x01", 0xFEFF),
        ("xor16", bytes.fromhex("1234 0f0f 80"), 0x1234 ^ 0x0F0F ^ 0x8000),
        ("identity", bytes(range(1, 10)), 0x0102030405060708),
        ("identity", b"\x12\x34", 0x1234),
        # 66.9.149.187:2794 -> 161.142.100.80:1766, from the verification suite of receive side scaling.
        ("TOEPLITZ", bytes.fromhex("420995bb a18e6450 0aea 06e6"), 0x51CCC178),
    ],
)
def test_hash(algorithm: str, data: bytes, result: int) -> None:
    assert digest(algorithm, data) == result
