"""Small picture files whose decoding takes much memory or time."""

import struct
import zlib


def png(width: int, height: int) -> bytes:
    """A few bytes whose header announces a huge picture."""
    return _png(width, height, depth=8, color=2, packed=zlib.compress(b"\0" * 99))


def png_of_one_column(height: int) -> bytes:
    """One bit per row; the decoder processes each row."""
    return _png(1, height, depth=1, color=0, packed=zlib.compress(b"\0" * (2 * height)))


def png_of_data(width: int, height: int, packed: bytes) -> bytes:
    """Grey pixels as given: they may be more than the header says."""
    return _png(width, height, depth=8, color=0, packed=packed)


def _png(width: int, height: int, *, depth: int, color: int, packed: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def progressive(width: int, height: int, *, scans: int = 0, components: int = 1) -> bytes:
    """A progressive JPEG: one scan of zeros, then ``scans`` empty ones.

    A decoder holds all coefficients, and each scan is a pass over them.
    """
    blocks = -(-width // 8) * -(-height // 8)
    numbers = range(1, components + 1)
    frame = struct.pack(">BHHB", 8, height, width, components) + b"".join(
        bytes([number, 0x11, 0]) for number in numbers
    )
    # Each table has one code of one bit: DC "no difference", AC "a run of empty blocks".
    dc_table = bytes([0x00, 1, *[0] * 15, 0x00])
    ac_table = bytes([0x10, 1, *[0] * 15, 0xE0])
    selected = b"".join(bytes([number, 0]) for number in numbers)
    out = [b"\xff\xd8", _segment(0xDB, bytes([0, *[1] * 64])), _segment(0xC2, frame)]
    out += [_segment(0xC4, dc_table), _segment(0xC4, ac_table)]
    out += [_segment(0xDA, bytes([components]) + selected + bytes([0, 0, 0]))]
    out += [b"\0" * -(-blocks * components // 8)]
    # The longest run is 32,767 blocks: the code and 14 one bits.
    runs = -(-blocks // 32_767)
    bits = ("0" + "1" * 14) * runs
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    for scan in range(scans):
        place = 1 + scan % 63
        out += [_segment(0xDA, bytes([1, 1, 0, place, place, 0])), body]
    return b"".join([*out, b"\xff\xd9"])


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
