"""Public photographs of TensorFlow's tutorials, fetched by name."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from keras_transfer.data.extract import extract
from keras_transfer.files.download import download
from keras_transfer.files.download import home_folder
from keras_transfer.names import did_you_mean

BASE_URL = "https://storage.googleapis.com"


class Archive(NamedTuple):
    """One file of a data set.

    `member` is the folder in the archive, `part` the folder it becomes.
    """

    address: str
    sha256: str | None
    member: str = ""
    part: str = ""


# The hashes are those that TensorFlow Datasets checks (its `url_checksums`).
# It does not offer the cats and dogs of the tutorials, and no other public
# hash of them was found: they come unchecked, but for HTTPS.
DATASETS = {
    "cats_vs_dogs": (
        Archive(
            "mledu-datasets/cats_and_dogs_filtered.zip",
            None,
            member="cats_and_dogs_filtered",
        ),
    ),
    "flowers": (
        Archive(
            "download.tensorflow.org/example_images/flower_photos.tgz",
            "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
            member="flower_photos",
        ),
    ),
    "horses_or_humans": (
        Archive(
            "download.tensorflow.org/data/horse-or-human.zip",
            "e2e6f70d3d549c5dd10a57165e55af253ee66ad750403f95c0fb76bb943633a9",
            part="train",
        ),
        Archive(
            "download.tensorflow.org/data/validation-horse-or-human.zip",
            "ae5fff2f4f5554791f05358108e2e05d9801b191f1896ea101402f0e7f6c32c0",
            part="validation",
        ),
    ),
    "rock_paper_scissors": (
        Archive(
            "download.tensorflow.org/data/rps.zip",
            "c2403444395842ad04c53612bad54b574443eae17a0723117a2ff87b9d72194f",
            member="rps",
            part="train",
        ),
        Archive(
            "download.tensorflow.org/data/rps-test-set.zip",
            "c27ab9fa43ce40b2e453de711365b477f4424586edf0388116674fd320f07503",
            member="rps-test-set",
            part="validation",
        ),
    ),
}


def fetch(
    name: str,
    folder: str | os.PathLike | None = None,
    *,
    base_url: str = BASE_URL,
    check_hash: bool = True,
    progress: bool = True,
) -> Path:
    """Returns a folder of photographs, downloaded at the first call.

    Args:
        name: `"flowers"` (5 classes, 3,670 photographs, 218 MiB),
            `"horses_or_humans"` (2 classes, 1,283 rendered images, 154 MiB),
            `"rock_paper_scissors"` (3 classes, 2,892 rendered images, 220
            MiB) or `"cats_vs_dogs"` (2 classes, 3,000 photographs, 65 MiB).
        folder: Where data sets are kept. Defaults to `datasets` in Keras's
            home, which is `$KERAS_HOME` or else `~/.keras`.
        base_url: Address of a mirror. Defaults to Google's.
        check_hash: Whether each archive must be the known one. False is for
            a mirror of something smaller. Defaults to True.
        progress: Whether a progress bar is drawn where stderr is a terminal.
            Defaults to True.

    Returns:
        A folder that `from_directory` reads; it is there completely or not
        at all.

    Raises:
        ConnectionError: An archive cannot be fetched.
        ValueError: The name is unknown, or an archive is not as expected.

    Example:
    >>> import keras_transfer as kt
    >>> photos = kt.data.fetch("flowers")  # doctest: +SKIP
    >>> train, validation = kt.data.from_directory(
    ...     photos)  # doctest: +SKIP

    Reference: [TensorFlow Datasets](https://www.tensorflow.org/datasets)
    """
    if name not in DATASETS:
        raise ValueError(
            f"Unknown data set {name!r}. Expected one of {list(DATASETS)}."
            + did_you_mean(str(name), DATASETS)
        )
    home = home_folder("datasets") if folder is None else Path(folder)
    target = home / name
    if target.is_dir():
        return target
    home.mkdir(parents=True, exist_ok=True)
    archives = []
    # All that is needed is fetched before anything is unpacked.
    for archive in DATASETS[name]:
        url = f"{base_url.rstrip('/')}/{archive.address}"
        file = home / archive.address.rsplit("/", 1)[-1]
        sha256 = archive.sha256 if check_hash else None
        download(url, file, sha256=sha256, progress=progress)
        archives.append((archive, file))
    with tempfile.TemporaryDirectory(dir=home, prefix=f".{name}-") as unpacked:
        whole = Path(unpacked) / name
        for archive, file in archives:
            extract(file, whole / archive.part, archive.member)
        _put(whole, target)
    for _, file in archives:
        file.unlink(missing_ok=True)
    return target


def _put(whole, target):
    try:
        whole.rename(target)
    except OSError:
        # Another process was first; the folder is complete as well.
        if not target.is_dir():
            raise
        shutil.rmtree(whole)
