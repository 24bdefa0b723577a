"""The hash algorithms of v1model and PNA over bytes.

Each gives what the reference switch gives: CRC-16/ARC and CRC-32 with their usual parameters, the Internet checksum
(RFC 1071), the XOR of 16-bit words, and the first eight bytes themselves.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Crc:
    """Parameters of a CRC as the catalogues give them; ``reflect``: of input and output."""

    width: int
    poly: int
    init: int
    xor_out: int
    reflect: bool

    def over(self, data: bytes) -> int:
        """Return the CRC, bit by bit."""
        top, mask = 1 << (self.width - 1), (1 << self.width) - 1
        crc = self.init
        for byte in data:
            crc ^= (_reflected(byte, 8) if self.reflect else byte) << (self.width - 8)
            for _ in range(8):
                crc = (crc << 1 ^ self.poly if crc & top else crc << 1) & mask
        return (_reflected(crc, self.width) if self.reflect else crc) ^ self.xor_out


def _reflected(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


CRC16 = Crc(16, 0x8005, 0, 0, True)
CRC32 = Crc(32, 0x04C11DB7, 0xFFFFFFFF, 0xFFFFFFFF, True)


def ones_sum(data: bytes, start: int = 0) -> int:
    """Return the ones' complement sum of 16-bit words; an odd byte is the upper half of the last."""
    total = start
    for i in range(0, len(data), 2):
        total += int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def csum16(data: bytes) -> int:
    """Return the Internet checksum."""
    return ones_sum(data) ^ 0xFFFF


def xor16(data: bytes) -> int:
    """Return the XOR of 16-bit words; an odd byte is the upper half of the last."""
    out = 0
    for i in range(0, len(data), 2):
        out ^= int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big")
    return out


def identity(data: bytes) -> int:
    """Return the first eight bytes as a number."""
    return int.from_bytes(data[:8], "big")


def digest(algorithm: str, data: bytes) -> int:
    """Return the hash by the name of a ``HashAlgorithm`` (or PNA's) member.

    Raises:
        KeyError: there is none of that name.
    """
    return _ALGORITHMS[algorithm.lower().removesuffix("_custom")](data)


def _toeplitz(data: bytes) -> int:
    """Return the Toeplitz hash with Microsoft's key for receive side scaling, which repeats behind its end."""
    key = int.from_bytes(_TOEPLITZ_KEY, "big")
    bits = len(_TOEPLITZ_KEY) * 8
    out = 0
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            at = i % bits
            window = ((key << bits | key) >> (2 * bits - 32 - at)) & 0xFFFFFFFF
            out ^= window
    return out


_TOEPLITZ_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")

_ALGORITHMS = {
    "crc16": CRC16.over,
    "crc32": CRC32.over,
    "csum16": csum16,
    "ones_complement16": csum16,
    "xor16": xor16,
    "identity": identity,
    "toeplitz": _toeplitz,
    "target_default": CRC32.over,
}
