"""The weights files that kecam publishes."""

from collections.abc import Callable
from collections.abc import Mapping

from keras_transfer import WeightsFile
from keras_transfer_kecam import catalogue


def weights_of(
    model: catalogue.Model,
) -> dict[str, WeightsFile | Callable[..., WeightsFile]]:
    """Returns the files of a model by tag.

    Where there is one for each of several image sizes, a tag leads to a
    function that chooses the nearest.

    Args:
        model: Which one.
    """
    return {
        tag: _chosen_by_size(files)
        if isinstance(files, Mapping)
        else _file(files)
        for tag, files in model.weights.items()
    }


def _file(url_and_md5):
    url, md5 = url_and_md5
    return WeightsFile(url, md5=md5)


def _chosen_by_size(files):
    sizes = sorted(int(size) for size in files)

    def choose(input_shape, **options):
        width = input_shape[1]
        if width is None:
            size = sizes[-1]
        else:
            size = min(sizes, key=lambda s: abs(s - width))
        return _file(files[str(size)])

    return choose
