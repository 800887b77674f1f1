"""Requests that were made to harm a service, as raw bytes.

`KINDS` maps the name of each kind to a function that returns the pieces that
a client sends, and the statuses with which a service may answer; 0 stands for
a connection that is closed without an answer.
"""

import base64
import io
import json
import struct
import zlib

import numpy as np
from PIL import Image

from tests.serving.http_client import form
from tests.serving.http_client import photograph

KINDS = {}
CLIENT_ERRORS = {400, 403, 404, 405, 408, 411, 413, 414, 415, 417, 422, 431}
JSON = "application/json"
FORM = "multipart/form-data; boundary=fence"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
# Of a service with the default limits.
MOST_BYTES = 20 * 2**20


def kind(*statuses):
    """Registers a function that returns what is sent, or pieces of it."""

    def register(function):
        KINDS[function.__name__] = (function, set(statuses))
        return function

    return register


def raw(name, data, *statuses):
    build = data if callable(data) else lambda: data
    KINDS[name] = (build, set(statuses) or CLIENT_ERRORS)


def post(body=b"", content_type="image/png", *headers, path=b"/predict"):
    lines = [b"POST %b HTTP/1.1" % path, b"Host: x"]
    lines += [b"Content-Length: %d" % len(body), *headers]
    if content_type is not None:
        lines.append(b"Content-Type: " + content_type.encode("latin-1"))
    return b"\r\n".join([*lines, b"", b""]) + body


def posted(name, body, content_type="image/png", *statuses):
    def build():
        built = body() if callable(body) else body
        # A form comes with its type.
        contents = built[0] if isinstance(built, tuple) else built
        return post(contents, content_type)

    raw(name, build, *statuses)


def head(*lines, path=b"/predict"):
    first = [b"POST %b HTTP/1.1" % path, b"Host: x", b"Content-Type: image/png"]
    return b"\r\n".join([*first, *lines, b"", b""])


# What is no HTTP, or odd HTTP.

raw("garbage", bytes(range(256)) * 8)
raw("zeros", lambda: bytes(10_000))
raw("tls hello", bytes.fromhex("16030100a5010000a10303") + bytes(160))
raw("http 2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
raw("http 0.9", b"GET /healthz\r\n\r\n", 200, 400)
raw("http 1.0", b"GET /healthz HTTP/1.0\r\n\r\n", 200)
raw("http 7.3", b"GET / HTTP/7.3\r\nHost: x\r\n\r\n")
raw("method in lower case", GET.replace(b"GET", b"get"))
raw("unknown method", GET.replace(b"GET", b"BREW"))
raw("trace", GET.replace(b"GET", b"TRACE"))
raw("options *", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
raw("connect", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n")
raw("head", GET.replace(b"GET", b"HEAD"), 200)
raw("delete", GET.replace(b"GET", b"DELETE"))
raw("absolute address", GET.replace(b"/healthz", b"http://a.b/healthz"), 200)
raw("absolute of another", GET.replace(b"/healthz", b"ftp://[::1"))
raw("up and away", GET.replace(b"/healthz", b"/../../../etc/passwd"))
raw("encoded dots", GET.replace(b"/healthz", b"/%2e%2e/%2e%2e/etc/passwd"))
raw("many slashes", lambda: GET.replace(b"/healthz", 5_000 * b"/"))
raw("encoded zero", GET.replace(b"/healthz", b"/healthz%00.png"))
raw("no UTF-8 in the path", GET.replace(b"/healthz", b"/%ff%fe%c0%80"))
raw("bytes beyond ASCII", GET.replace(b"/healthz", b"/\xff\xfe"))
raw("a path of 100 KB", lambda: GET.replace(b"/healthz", b"/" + 100_000 * b"a"))
raw("redirecting host", post(b"", path=b"/predict/").replace(b": x", b": [::"))
raw("zero in a header", b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n")
raw(
    "a header of 100 KB",
    lambda: GET[:-2] + b"A: " + 100_000 * b"a" + b"\r\n\r\n",
)
raw("20,000 headers", lambda: GET[:-2] + 20_000 * b"A: a\r\n" + b"\r\n")
raw("no colon", GET[:-2] + b"Nonsense\r\n\r\n")
raw("folded header", GET[:-2] + b"A: a\r\n b\r\n\r\n")
raw("line feeds alone", GET.replace(b"\r", b""), 200, *CLIENT_ERRORS)
raw("no host", b"GET /healthz HTTP/1.1\r\n\r\n", 200, 400)
raw("two hosts", GET[:-2] + b"Host: y\r\n\r\n", 200, 400)
raw("two lengths", head(b"Content-Length: 5", b"Content-Length: 6") + b"abcde")
raw(
    "length and chunks",
    head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
)
raw("negative length", head(b"Content-Length: -5"))
raw("length in letters", head(b"Content-Length: five"))
raw("length with a sign", head(b"Content-Length: +5") + b"abcde")
raw("length of 5,000 digits", lambda: head(b"Content-Length: " + 5_000 * b"9"))
raw("length of an exabyte", lambda: head(b"Content-Length: %d" % 10**18))
raw("shorter than said", post(b"abc").replace(b": 3", b": 1"))
raw("unknown encoding", head(b"Transfer-Encoding: magic"), *CLIENT_ERRORS)
raw(
    "chunks in gzip",
    head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
)
CHUNKED = head(b"Transfer-Encoding: chunked")
raw("chunk of no size", CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n")
raw("chunk of all memory", CHUNKED + b"ffffffffffffffff\r\nabc", 0)
raw(
    "chunk with a long note",
    lambda: CHUNKED + b"1;" + 90_000 * b"a" + b"\r\na\r\n",
    0,
)
raw(
    "chunks of a byte", lambda: CHUNKED + 300_000 * b"1\r\na\r\n" + b"0\r\n\r\n"
)
raw("chunks beyond bounds", lambda: CHUNKED + 4_000_000 * b"1\r\na\r\n", 0, 413)
raw(
    "many trailers",
    lambda: CHUNKED + b"0\r\n" + 20_000 * b"A: a\r\n" + b"\r\n",
    0,
    *CLIENT_ERRORS,
)
raw(
    "wants to continue",
    head(b"Expect: 100-continue", b"Content-Length: " + 9 * b"9"),
)
raw("expects wonders", head(b"Expect: wonders", b"Content-Length: 3") + b"abc")
raw(
    "websocket",
    GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n",
    200,
)
raw(
    "http 2 upgrade",
    GET[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    200,
)
raw("a thousand in a row", lambda: 1_000 * GET, 200)
raw("nonsense after a request", GET + 9 * b"nonsense", 200, 400)
raw("a body for get", GET[:-2] + b"Content-Length: 9\r\n\r\nabcdefghi", 200)
raw("a body for nothing", lambda: post(bytes(10**6), path=b"/nothing"), 404)
raw("a body that comes not at all", head(b"Content-Length: 9"), 0)
raw("too much, said", lambda: post(bytes(MOST_BYTES + 1)), 413)
raw(
    "too much, said, then closed",
    lambda: post(bytes(2 * MOST_BYTES), "image/png", b"Connection: close"),
    413,
)


@kind(413)
def too_much_in_chunks():
    yield CHUNKED
    for _ in range(MOST_BYTES // 10**6 + 2):
        yield b"f4240\r\n" + bytes(10**6) + b"\r\n"


# What is no image in one of the ways that are known.

raw("in gzip", post(b"x", "image/png", b"Content-Encoding: gzip"), 415)
raw("in brotli", post(b"x", JSON, b"Content-Encoding: br"), 415)
raw("no type", post(b"x", None), 415)
raw("a long type", lambda: post(b"x", "a" * 20_000), 415)
raw("an odd type", post(b"x", "\xff/\xfe; charset=\xfd"), 415)
raw("zero classes", post(b"x", path=b"/predict?top=0"), 400)
raw("very many classes", post(b"x", path=b"/predict?top=" + b"9" * 5000), 400)
raw(
    "10,000 options",
    post(photograph(), path=b"/predict?" + b"a=%&" * 9999),
    200,
)
posted("no boundary", b"x", "multipart/form-data", 400)
posted("a long boundary", b"x", "multipart/form-data; boundary=" + "b" * 9000)
posted("an odd boundary", b"x", 'multipart/form-data; boundary="\xff\xfe"', 400)
posted("10,000 files", lambda: form(*10_000 * [("a", b"")]), FORM, 413)
posted("half a form", form(("a", photograph()))[0][:-9], FORM, 400)
posted("a form in a form", *form(("a", form(("b", b"x"))[0])))
posted("dashes alone", lambda: b"--fence\r\n" * 500_000, FORM, 400)
PART = b'--fence\r\nContent-Disposition: form-data; name="a"; filename="%b"\r\n'
posted(
    "part with 90 KB",
    lambda: PART % (90_000 * b"a") + b"\r\nx\r\n--fence--",
    FORM,
)
posted(
    "1,000 part headers",
    lambda: PART % b"a" + 1_000 * b"A: a\r\n" + b"\r\nx",
    FORM,
)
posted(
    "part in base64",
    PART % b"a"
    + b"Content-Transfer-Encoding: base64\r\n\r\n!\r\n--fence--\r\n",
    FORM,
)
posted("escaping name", *form(("../../../etc/\x1b[31m", b"x")), 422)
posted(
    "10,000 fields",
    lambda: (
        10_000
        * b'--fence\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
        + b"--fence--\r\n"
    ),
    FORM,
    400,
)
posted(
    "no name",
    b"--fence\r\nContent-Disposition: form-data\r\n\r\nx\r\n--fence--",
    FORM,
    400,
)


def in_json(name, text, *statuses):
    posted(name, text, JSON, *statuses)


def image(text):
    return b'{"images": [%b]}' % text


def grid(value, shape=(16, 16, 3)):
    return image(json.dumps(np.full(shape, value).tolist()).encode())


in_json("nothing", b"", 400)
in_json("deep lists", lambda: image(b"[" * 5_000_000), 422)
in_json("deep objects", lambda: b'{"images":' * 1_000_000, 400)
in_json(
    "lists of nothing", lambda: image(b"[" + b"[]," * 6_000_000 + b"[]]"), 422
)
in_json("objects of nothing", lambda: image(b"{}," * 6_000_000 + b"{}"), 400)
in_json("numbers alone", lambda: image(b"0," * 9_000_000 + b"0"), 400)
in_json(
    "one long row",
    lambda: image(b"[[" + b"[1,2,3]," * 2_000_000 + b"[]]]"),
    422,
)
in_json("a long number", lambda: image(b"[[[" + b"9" * 5_000_000 + b"]]]"), 422)
in_json(
    "a long exponent", lambda: image(b"[[[1e" + b"9" * 5_000_000 + b"]]]"), 422
)
in_json("blanks", lambda: b" " * 19_000_000, 400)
in_json("blanks in a list", lambda: image(b"[" + b" " * 19_000_000 + b"]"), 422)
in_json("ragged", image(b"[[[1,2,3],[1,2]]]"), 422)
in_json("texts", grid("9"), 422)
in_json("booleans", grid(True), 422)
in_json("null", grid(1).replace(b"1", b"null"), 422)
in_json("objects", grid(1).replace(b"1", b"{}"), 422)
in_json("infinity", grid(1).replace(b"1", b"1e999"), 422)
in_json("NaN", grid(1).replace(b"1", b"NaN"), 422)
in_json("large integers", lambda: grid(10**40), 422)
in_json("negative", grid(-1), 422)
in_json("beyond 255", grid(256), 422)
in_json("another shape", grid(1, (3, 16, 16)), 422)
in_json("the 0.6 MB that froze it", grid(0, (224, 224, 3))[:-3], 422)
in_json("two keys", b'{"images": ["AAAA"], "images": ["AAAA"]}', 400)
in_json(
    "a million keys", lambda: b"{" + b'"a":0,' * 10**6 + b'"images":[]}', 400
)
in_json("10,000 images", image(b'"AAAA",' * 9_999 + b'"AAAA"'), 413)
in_json("no base64", lambda: image(b'"' + b"\xff" * 10**6 + b'"'), 400)
in_json(
    "escaped line ends", lambda: image(b'"' + rb"\n" * 5_000_000 + b'"'), 422
)
in_json("an open text", lambda: image(b'"' + b"A" * 10**7)[:-2], 400)
in_json("UTF-16", grid(1).decode().encode("utf-16"), 400)
in_json("surrogates", image(rb'"\ud800"'), 400)


# Images that are small to send and large to decode.


def png(width, height, *chunks, depth=8, color=2, data=b""):
    def chunk(name, data):
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + crc.to_bytes(4)

    size = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = [(b"IHDR", size), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*item) for item in body)


def saved(mode, size, format, **options):
    file = io.BytesIO()
    Image.new(mode, size).save(file, format, **options)
    return file.getvalue()


def zeros(count):
    return zlib.compress(bytes(count))


TEXT = b"a\x00\x00" + zeros(50_000_000)
posted("png of 10 gigapixels", lambda: png(100_000, 100_000))
posted("png of no size", lambda: png(0, 0))
posted("png of 4 billion", lambda: png(2**31 - 1, 2**31 - 1))
posted("png with no data", lambda: png(5_000, 5_000), "image/png", 422, 413)
posted(
    "png of 49 megapixels",
    lambda: png(7_000, 7_000, color=6, data=zeros(7_000 * 28_001)),
    "image/png",
    413,
)
posted("png with text", lambda: png(16, 16, (b"zTXt", TEXT)))
posted(
    "png with 100 texts", lambda: png(16, 16, *100 * [(b"zTXt", TEXT[:9000])])
)
posted(
    "png with a profile",
    lambda: png(16, 16, (b"iCCP", TEXT)),
    "image/png",
    422,
    200,
)
posted(
    "png that goes on",
    lambda: png(16, 16, data=zeros(200_000_000)),
    "image/png",
    200,
    422,
)
posted("png with wrong sums", photograph()[:60] + b"x" + photograph()[61:])
posted(
    "png with junk of a camera",
    lambda: png(
        16, 16, (b"eXIf", b"MM\x00*" + b"\xff" * 60_000), data=zeros(16 * 49)
    ),
    "image/png",
    200,
    422,
)
posted(
    "gif of 2,000 frames",
    lambda: saved(
        "P",
        (64, 64),
        "GIF",
        save_all=True,
        append_images=[Image.new("P", (64, 64), i % 256) for i in range(2_000)],
        optimize=False,
    ),
    "image/gif",
    200,
)
posted("gif of 4 gigapixels", b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(99))
posted(
    "gif of 49 megapixels",
    lambda: saved("P", (7_000, 7_000), "GIF"),
    "image/gif",
    200,
)


def jpeg(width, height, scans=1, **options):
    contents = saved("RGB", (640, 640), "JPEG", **options)
    start = contents.index(
        b"\xff\xc2" if "progressive" in options else b"\xff\xc0"
    )
    size = struct.pack(">HH", height, width)
    contents = contents[: start + 5] + size + contents[start + 9 :]
    scan = contents[contents.rindex(b"\xff\xda") : -2]
    return contents[:-2] + (scans - 1) * scan + contents[-2:]


posted("jpeg of 4 gigapixels", lambda: jpeg(65_500, 65_500), "image/jpeg", 413)
posted(
    "jpeg with little data", lambda: jpeg(7_000, 7_000), "image/jpeg", 200, 422
)
posted(
    "jpeg of 2,000 scans",
    lambda: jpeg(7_000, 7_000, 2_000, progressive=True),
    "image/jpeg",
    422,
)
posted(
    "progressive jpeg of 49 megapixels",
    lambda: saved(
        "RGB", (7_000, 7_000), "JPEG", progressive=True, subsampling=0
    ),
    "image/jpeg",
    200,
    413,
)
posted(
    "jpeg with junk of a camera",
    lambda: saved(
        "RGB", (64, 64), "JPEG", exif=b"Exif\0\0MM\x00*" + b"\xff" * 60_000
    ),
    "image/jpeg",
    200,
    422,
)
posted(
    "jpeg with 64 KB of marks",
    lambda: b"\xff\xd8" + b"\xff" * 10**6,
    "image/jpeg",
)
posted(
    "webp of 268 megapixels",
    lambda: (
        saved("RGB", (16_383, 64), "WEBP", lossless=True)[:20]
        + b"\x2f"
        + (16_382 | 16_382 << 14).to_bytes(4, "little")
        + bytes(99)
    ),
    "image/webp",
    413,
)
posted(
    "webp of 25 megapixels",
    lambda: saved("RGB", (5_000, 5_000), "WEBP"),
    "image/webp",
    413,
)
posted(
    "bmp of 4 gigapixels",
    lambda: (
        saved("1", (8, 8), "BMP")[:18]
        + struct.pack("<ii", 65_000, 65_000)
        + saved("1", (8, 8), "BMP")[26:]
    ),
    "image/bmp",
    413,
)
posted("tiff", lambda: saved("RGB", (16, 16), "TIFF"), "image/tiff", 200)
posted("icon", lambda: saved("RGB", (16, 16), "ICO"), "image/x-icon", 422)
posted("svg", b"<svg><script>alert(1)</script></svg>", "image/svg+xml", 422)
posted("postscript", b"%!PS\n(%pipe%id) (r) file", "image/eps", 422)
posted("zip", b"PK\x03\x04" + bytes(99), "image/png", 422)
posted(
    "64 images of 4 megapixels",
    lambda: form(
        *64 * [("a.png", png(2_000, 2_000, data=zeros(2_000 * 6_001)))]
    ),
    FORM,
    413,
)
posted("64 empty files", *form(*64 * [("a.png", b"")]), 422)
posted(
    "64 bombs in base64",
    lambda: image(
        b",".join(64 * [b'"%b"' % base64.b64encode(png(100_000, 100_000))])
    ),
    JSON,
    413,
)
