"""Backbones saved to a folder of their own, complete with how they are used."""

import contextlib
import os
import pathlib
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.files import checksums
from keras_transfer.files import hub
from keras_transfer.files.whole_files import replacing
from keras_transfer.files.whole_files import staging_folder
from keras_transfer.models import preset_files
from keras_transfer.models import spec as registry
from keras_transfer.models.preprocessing import Preprocessing
from keras_transfer.registry import needed_classes
from keras_transfer.saving import loading
from keras_transfer.saving import saving
from keras_transfer.structure import model_info
from keras_transfer.structure import stages
from keras_transfer.structure.model_info import Provenance


def save_backbone(backbone: keras.Model, folder: str | os.PathLike) -> None:
    """Saves a backbone as a preset that `create_backbone(folder)` reads.

    The folder gets a model file and `backbone.json`, which names it and says
    where the backbone is from, how its stages are called and what happens to
    images before it. It needs no network and, for stock layers, no plugin. A
    crash leaves the preset that was there, or the new one: the description is
    renamed into place when all else is written. Other files stay as they are,
    so the folder can be the clone of a repository, ready for the hub.

    Args:
        backbone: A Functional model, from `create_backbone` or not.
        folder: Where to save it; made if need be.

    Raises:
        TypeError: If the backbone is no Functional model, or holds
            preprocessing that is a function.
        ValueError: If the folder cannot be written.

    Example:
    >>> import os
    >>> import tempfile
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone("vgg16", weights=None, cut_at="stage_2")
    >>> folder = os.path.join(tempfile.mkdtemp(), "half_of_vgg")
    >>> kt.save_backbone(backbone, folder)
    >>> kt.create_backbone(folder).output_shape
    (None, 56, 56, 128)
    """
    if not isinstance(backbone, keras.Model) or not compat.is_graph(backbone):
        raise TypeError(
            "`backbone` must be a Functional keras.Model. Received: "
            f"{backbone!r}."
        )
    record = model_info.provenance_of(backbone) or _unknown(backbone)
    _check_preprocessing(record)
    _check_options(record)
    folder = _made(pathlib.Path(folder).expanduser())
    old = _current_model(folder)
    with staging_folder(folder / preset_files.DESCRIPTION) as staged:
        temporary = staged / "model.keras"
        saving.save_model(backbone, temporary)
        sha256 = checksums.file_sha256(temporary)
        # A name of its own: the description in force still means the old one.
        name = f"backbone-{sha256[:12]}.keras"
        os.replace(temporary, folder / name)
    description = preset_files.Description(
        model=name,
        sha256=sha256,
        preprocessing=record.preprocessing,
        input_shape=tuple(backbone.input_shape[1:]),
        provenance=record.to_json(),
        classes=needed_classes.owners_of(backbone),
        versions=_versions(),
    )
    with replacing(folder / preset_files.DESCRIPTION) as temporary:
        temporary.write_text(description.to_json(), encoding="utf-8")
    if old not in (None, name):
        (folder / old).unlink(missing_ok=True)


def is_preset(name: Any) -> bool:
    """Whether a name of a backbone is rather the place of a preset.

    Args:
        name: What `create_backbone` was given. A path object, an `hf://`
            address, a string that begins like a path, or the path of a preset
            that no registered backbone is called like.
    """
    if not isinstance(name, str):
        return isinstance(name, os.PathLike)
    if name.startswith((hub.PREFIX, ".", "~")) or os.path.isabs(name):
        return True
    is_there = os.path.isfile(os.path.join(name, preset_files.DESCRIPTION))
    return is_there and not registry.list_backbones(name)


def load_backbone(place: str | os.PathLike) -> keras.Model:
    """Loads a preset, in safe mode and after a check of its digest.

    Args:
        place: A folder, or an `hf://` address.

    Raises:
        ValueError: If there is no preset, a part of it is missing, damaged or
            another than described, or it needs a plugin that is not there.
        ConnectionError: If it is neither cached nor downloadable.
    """
    files = _files(place)
    description = preset_files.read_description(files)
    path = preset_files.fetch_model(files, description)
    model = loading.load_owned(
        path,
        {"classes": description.classes, "backbone": description.provenance},
    )
    record = _record(files, description)
    model_info.attach(model, record)
    try:
        stages.stages_of(model)
    except (ValueError, TypeError) as error:
        raise preset_files.refusal(
            files,
            f"holds a {preset_files.DESCRIPTION} of another model ({error})",
        ) from error
    return model


def _files(place):
    if isinstance(place, str) and place.startswith(hub.PREFIX):
        repository = hub.Repository(place)
        if repository.path:
            raise ValueError(
                f"A preset is a whole repository. Received: {place!r}, a file "
                f"in it. Write {hub.PREFIX}{repository.id}."
            )
        return repository
    folder = pathlib.Path(place).expanduser()
    if not folder.is_dir():
        raise ValueError(
            f"There is no preset folder {os.fspath(place)!r}. Expected a "
            "folder that `kt.save_backbone` wrote."
        )
    return preset_files.Folder(folder)


def _record(files, description):
    values = model_info.renewed(description.provenance)
    try:
        values["stages"] = tuple(
            (name, last_layer) for name, last_layer in values["stages"]
        )
        return Provenance(preprocessing=description.preprocessing, **values)
    except (TypeError, ValueError, KeyError) as error:
        raise preset_files.refusal(
            files,
            f"holds a damaged {preset_files.DESCRIPTION} (its provenance: "
            f"{error}).",
        ) from error


def _unknown(backbone):
    """The record of a model that is not from the registry."""
    found = stages.detect_stages(backbone)
    return Provenance(
        name="",
        options={},
        weights=None,
        sha256=None,
        cut_at=None,
        stages=tuple((stage.name, stage.last_layer) for stage in found),
        preprocessing="inside",
    )


def _check_preprocessing(record):
    if record.preprocessing == "inside":
        return
    if not isinstance(record.preprocessing, Preprocessing):
        raise TypeError(
            f"The preprocessing of {record.name!r} is a function, which cannot "
            "be written down. Declare it as kt.Preprocessing, or put it into "
            f"the backbone. Received: {record.preprocessing!r}."
        )


def _check_options(record):
    try:
        preset_files.check_json(record.options)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The options of {record.name!r} cannot be written down: {error}. "
            f"Expected numbers, strings and lists. Received: {record.options}."
        ) from error


def _made(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"Cannot make the folder {os.fspath(folder)!r} for the preset: "
            f"{error.strerror}. Choose another one."
        ) from error
    return folder


def _current_model(folder):
    """The model file of the preset that is there, if one is."""
    # What is damaged is about to be replaced.
    with contextlib.suppress(ValueError):
        files = preset_files.Folder(folder)
        return preset_files.read_description(files).model
    return None


def _versions():
    import keras_transfer

    return {
        "keras_transfer": keras_transfer.__version__,
        "keras": keras.__version__,
    }
