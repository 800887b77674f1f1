import io
import os
import stat
import tarfile
import zipfile

import pytest

from keras_transfer.data import extract as module
from keras_transfer.data.extract import extract


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


makers = pytest.mark.parametrize(
    ("make", "name"), [(make_zip, "a.zip"), (make_tar, "a.tgz")]
)


def _contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@makers
def test_files_are_unpacked_with_their_folders(tmp_path, make, name):
    files = {"top/a/1.jpg": b"1", "top/b/2.jpg": b"2", "other/3.jpg": b"3"}
    archive = make(tmp_path / name, files)
    extract(archive, tmp_path / "whole")
    assert _contents(tmp_path / "whole") == files
    extract(archive, tmp_path / "part", "top")
    assert _contents(tmp_path / "part") == {"a/1.jpg": b"1", "b/2.jpg": b"2"}


@makers
@pytest.mark.parametrize(
    "evil",
    ["../x.jpg", "a/../../x.jpg", "/tmp/x.jpg", "..\\x.jpg", "C:\\x.jpg", "."],
)
def test_members_outside_the_folder_are_refused(tmp_path, make, name, evil):
    archive = make(tmp_path / name, {"ok.jpg": b"1", evil: b"x"})
    with pytest.raises(ValueError, match="would write outside its folder"):
        extract(archive, tmp_path / "deep" / "er")
    assert not list(tmp_path.rglob("x.jpg"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
)
def test_links_or_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type = kind
        info.linkname = "/etc/hosts"
        archive.addfile(info)
    with pytest.raises(ValueError, match="a link or device"):
        extract(tmp_path / "a.tar", tmp_path / "out")


def test_links_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/hosts")
    with pytest.raises(ValueError, match="a link or device"):
        extract(tmp_path / "a.zip", tmp_path / "out")


@makers
def test_an_archive_that_grows_too_much_is_refused(
    tmp_path, monkeypatch, make, name
):
    monkeypatch.setattr(module, "_ALWAYS", 1000)
    archive = make(tmp_path / name, {"zeros.jpg": bytes(1 << 20)})
    with pytest.raises(ValueError, match="unpacks to over 20 times its size"):
        extract(archive, tmp_path / "out")
    assert not list(tmp_path.rglob("zeros.jpg"))


@makers
@pytest.mark.parametrize("part", [0.0, 0.3, 0.7])
def test_a_damaged_archive_is_named(tmp_path, make, name, part):
    archive = make(tmp_path / name, {"a.jpg": os.urandom(9000)})
    archive.write_bytes(archive.read_bytes()[: int(9000 * part)])
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        extract(archive, tmp_path / "out")


def test_a_member_twice_is_damage(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.jpg", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.jpg", "2")
    with pytest.raises(ValueError, match=r"a\.zip is damaged"):
        extract(tmp_path / "a.zip", tmp_path / "out")


@makers
def test_an_archive_without_the_member_is_named(tmp_path, make, name):
    archive = make(tmp_path / name, {"a.jpg": b"1"})
    with pytest.raises(ValueError, match="holds no file below 'flowers'"):
        extract(archive, tmp_path / "out", "flowers")
