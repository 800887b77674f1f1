"""Archives and folders that `model.save` does not write."""

import os
import socket
import struct
import zipfile


def archived(change):
    """Changes the bytes of a sound archive."""

    def write(parts, path):
        content = bytearray(parts.write(path).read_bytes())
        path.write_bytes(change(content) or content)

    return write


def in_directory(offset, value, size=4):
    """Changes a field of the last entry of the directory at the end."""

    def change(content):
        start = content.rindex(b"PK\x01\x02") + offset
        content[start : start + size] = value.to_bytes(size, "little")

    return archived(change)


def with_member(name, content=b"x"):
    def write(parts, path):
        parts.write(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)

    return write


def with_members(*names):
    def write(parts, path):
        parts.write(path)
        with zipfile.ZipFile(path, "a") as archive:
            for name in names:
                archive.writestr(name, b"x")

    return write


def folder(change=None):
    """A folder of what an archive holds."""

    def write(parts, path):
        parts.write(path)
        with zipfile.ZipFile(path) as archive:
            members = {n: archive.read(n) for n in archive.namelist()}
        path.unlink()
        path.mkdir()
        for name, content in members.items():
            (path / name).write_bytes(content)
        if change is not None:
            change(path)

    return write


def pipe_in_place_of(name):
    def change(path):
        (path / name).unlink()
        os.mkfifo(path / name)

    return change


def holes_in_place_of(name, size):
    def change(path):
        with open(path / name, "r+b") as file:
            file.truncate(size)

    return change


def crowded(path):
    (path / "assets").mkdir()
    for number in range(5000):
        (path / "assets" / str(number)).touch()


def overlapping(parts, path):
    """Entries of the directory that all mean the same bytes."""
    parts.members["assets/0"] = bytes(500_000)
    content = parts.write(path).read_bytes()
    start = content.index(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    last = content.rindex(b"PK\x01\x02")
    entry = content[last:end]
    copies = b"".join(
        entry.replace(b"assets/0", b"assets/%d" % n) for n in range(1, 10)
    )
    tail = bytearray(content[end:])
    total = len(parts.members) + 9
    struct.pack_into("<HH", tail, 8, total, total)
    struct.pack_into("<L", tail, 12, end - start + len(copies))
    path.write_bytes(content[:end] + copies + bytes(tail))


def bound_socket(_, path):
    here = os.getcwd()
    os.chdir(path.parent)  # Names of sockets are short.
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


LONG = "assets/" + "x" * 300
FILES = {
    "named_pipe": (lambda _, path: os.mkfifo(path), "is a named pipe"),
    "socket": (bound_socket, "is a socket"),
    "device": (lambda _, path: path.symlink_to("/dev/zero"), "is a device"),
    "empty_folder": (lambda _, path: path.mkdir(), "has no config.json"),
    "folder_with_a_pipe": (
        folder(pipe_in_place_of("model.weights.h5")),
        "holds 'model.weights.h5' as a named pipe",
    ),
    "folder_with_a_pipe_as_config": (
        folder(pipe_in_place_of("config.json")),
        "holds 'config.json' as a named pipe",
    ),
    "folder_with_a_link": (
        folder(lambda path: (path / "assets").symlink_to("/etc")),
        "holds the link 'assets'",
    ),
    "folder_with_a_linked_file": (
        folder(
            lambda path: (
                (path / "assets").mkdir(),
                (path / "assets" / "x").symlink_to("/etc/passwd"),
            )
        ),
        "holds 'assets/x' as a link",
    ),
    "folder_of_40_gb_of_holes": (
        folder(holes_in_place_of("model.weights.h5", 40 << 30)),
        "bytes in 'model.weights.h5' that would unpack to 42949672960",
    ),
    "config_of_holes": (
        folder(holes_in_place_of("config.json", 1 << 30)),
        "bytes in 'config.json' that would unpack",
    ),
    "crowded_folder": (folder(crowded), "holds more than 4096 files"),
    "folder_with_a_program": (
        folder(lambda path: (path / "setup.py").write_text("1")),
        "holds the member 'setup.py'",
    ),
    "folder_in_place_of_weights": (
        folder(
            lambda path: (
                (path / "model.weights.h5").unlink(),
                (path / "model.weights.h5").mkdir(),
            )
        ),
        "has no model.weights.h5",
    ),
    "archive_of_holes": (
        lambda _, path: holes_behind(path, 10 << 30),
        "that would unpack to",
    ),
    "file_and_folder": (
        with_members("assets/a", "assets/a/b"),
        "holds 'assets/a' as a file and as a folder",
    ),
    "name_of_300_letters": (with_member(LONG), "holds the member 'assets/xxx"),
    "name_of_a_dot": (
        with_member("assets/./x"),
        "holds the member 'assets/./x'",
    ),
    "name_of_a_tab": (with_member("assets/\tx"), "holds the member"),
    "name_of_nothing": (
        with_member("assets//x"),
        "holds the member 'assets//x",
    ),
    "name_in_capitals": (with_member("CONFIG.JSON"), "holds the member 'CONF"),
    "members_that_overlap": (overlapping, "stores members one in another"),
    "larger_than_it_says": (in_directory(24, 10), "is damaged, truncated"),
    "stored_beyond_the_end": (in_directory(20, 1 << 31), "one in another"),
    "begins_beyond_the_end": (in_directory(42, 1 << 31), "outside of itself"),
    "begins_in_another": (in_directory(42, 4), "is damaged, truncated"),
    "of_a_later_zip": (in_directory(6, 99, 2), "is damaged, truncated"),
    "compressed_by_nobody": (in_directory(10, 77, 2), "in compression 77"),
    "without_a_directory": (
        archived(lambda c: c[: c.index(b"PK\x01\x02")]),
        "is damaged, truncated",
    ),
    "two_bytes": (lambda _, path: path.write_bytes(b"PK"), "is damaged, tr"),
    "only_an_end": (
        lambda _, path: path.write_bytes(b"PK\x05\x06" + bytes(18)),
        "has no config.json",
    ),
    "text_file": (
        lambda _, path: path.write_text("hello"),
        "no .keras archive",
    ),
    "pickle": (
        lambda _, path: path.write_bytes(b"\x80\x04."),
        "no .keras arch",
    ),
    "gzip": (
        lambda _, path: path.write_bytes(b"\x1f\x8b" + bytes(20)),
        "no .keras archive",
    ),
    **{
        f"cut_to_{tenths}_tenths": (
            archived(lambda c, n=tenths: c[: len(c) * n // 10]),
            "is damaged, truncated",
        )
        for tenths in range(1, 10)
    },
}


def holes_behind(path, size):
    with open(path, "wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(size)
