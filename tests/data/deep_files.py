"""Files with 16 bits per colour, which Pillow cannot write."""

import struct
import zlib

COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # The colour type of PNG, by bands.


def png_chunk(kind, data):
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def deep_png(path, values, *chunks):
    """Writes uint16 of shape (height, width, bands); returns the path."""
    height, width, bands = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOURS[bands], 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + b"".join(chunks)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )
    return path


def tiff(path, values, order="<", is_compressed=False, planes=1, **tags):
    """Writes pixels of shape (height, width, bands); returns the path.

    Tags are given as `tag_281=[4095]`, each a list of 16-bit numbers.
    """
    height, width, bands = values.shape
    stored = values.transpose(2, 0, 1) if planes == 2 else values
    bits = 8 * values.itemsize
    data = stored.astype(values.dtype.newbyteorder(order)).tobytes()
    if is_compressed:
        data = zlib.compress(data)
    entries = {
        256: [width],
        257: [height],
        258: [bits] * bands,
        259: [8 if is_compressed else 1],
        262: [2 if bands in (3, 4) else 1],
        273: [8 + i * len(data) // bands for i in range(bands)]
        if planes == 2
        else [8],
        277: [bands],
        278: [height],
        279: [len(data) // bands] * bands if planes == 2 else [len(data)],
        284: [planes],
    }
    if bands > 3:
        entries[338] = [2] + [0] * (bands - 4)
    entries |= {int(name[4:]): numbers for name, numbers in tags.items()}
    start = 8 + len(data) + len(data) % 2
    after = start + 2 + 12 * len(entries) + 4
    directory, outside = struct.pack(order + "H", len(entries)), b""
    for tag, numbers in sorted(entries.items()):
        kind, form = (4, "I") if tag in (273, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(numbers)}{form}", *numbers)
        if len(packed) > 4:
            place = struct.pack(order + "I", after + len(outside))
            outside += packed
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, len(numbers))
        directory += place
    mark = b"II" if order == "<" else b"MM"
    path.write_bytes(
        mark
        + struct.pack(order + "HI", 42, start)
        + data.ljust(start - 8, b"\0")
        + directory
        + bytes(4)
        + outside
    )
    return path
