"""CRC-32C (Castagnoli), as Secret Manager sends it along with a payload."""

from __future__ import annotations

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF


def _step(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(_step(value) for value in range(256))


def crc32c(data: bytes) -> int:
    """Return the checksum of some bytes."""
    crc = _ONES
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ _ONES
