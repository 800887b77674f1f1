"""Formats of image files: which are read, which are known not to be.

The one list of them, for every command, every check and every sentence.
"""

# The format of Pillow, what people call it, how its files end.
_READ = (
    ("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    ("PNG", "PNG", (".png",)),
    ("GIF", "GIF", (".gif",)),
    ("BMP", "BMP", (".bmp",)),
    ("WEBP", "WebP", (".webp",)),
    ("TIFF", "TIFF", (".tif", ".tiff")),
    ("AVIF", "AVIF", (".avif",)),
    ("HEIF", "HEIC", (".heic", ".heif")),
)
# Pillow knows some forty formats; only the parsers of these ever see a file.
FORMATS = tuple(format for format, _, _ in _READ)
NAMES = tuple(name for _, name, _ in _READ)
EXTENSIONS = tuple(end for _, _, ends in _READ for end in ends)
# As in "not JPEG, PNG or HEIC".
LISTED = f"{', '.join(NAMES[:-1])} or {NAMES[-1]}"
# Photographs in formats that nothing here reads.
OTHER_EXTENSIONS = (
    ".arw",
    ".cr2",
    ".cr3",
    ".dng",
    ".ico",
    ".jp2",
    ".jxl",
    ".nef",
    ".orf",
    ".pbm",
    ".pgm",
    ".ppm",
    ".psd",
    ".raf",
    ".rw2",
    ".svg",
    ".tga",
)
# The first bytes of what is often found under a photograph's name.
_SIGNATURES = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"8BPS", "Photoshop"),
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML"),
)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1")
# So many first bytes tell a format.
HEAD = 64


def format_of(head: bytes) -> str | None:
    """Returns the name of the format of a file, or `None`.

    Args:
        head: Its first 64 bytes, or all of them.

    Example:
    >>> format_of(b"\\xff\\xd8\\xff\\xe0")
    'JPEG'
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _format_of_box(head)
    lowered = head.lstrip().lower()
    for signature, name in _SIGNATURES:
        if head.startswith(signature) or lowered.startswith(signature):
            return name
    return None


def _format_of_box(head):
    # The brand of the file, a version, then all brands that it agrees with.
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, end, 4))]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    return "HEIC" if set(brands) & set(_HEIC_BRANDS) else "video"
