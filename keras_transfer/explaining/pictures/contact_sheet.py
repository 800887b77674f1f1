"""One image at all stages of a network, on one sheet."""

import os
from typing import Any

import keras

from keras_transfer.explaining.pictures import drawing
from keras_transfer.explaining.pictures.grid import activation_grid
from keras_transfer.explaining.pictures.maps import as_maps
from keras_transfer.explaining.pictures.seen import one_image
from keras_transfer.explaining.pictures.stage_layers import stage_layers
from keras_transfer.extraction.building import build_extractor


def plot_stages(
    model: keras.Model,
    image: Any,
    *,
    channels: int = 7,
    path: str | os.PathLike | None = None,
) -> Any:
    """Draws one image at the end of every stage of a network.

    Each row is a stage: the mean of all its channels, then those that vary
    most over the image.

    Args:
        model: A model with a backbone whose stages end in maps or tokens.
        image: Pixels of one image, with or without the batch axis, or the
            path of a file.
        channels: Number of channels to show of each stage. Defaults to 7.
        path: Where to save the picture; its extension decides the format.
            Defaults to `None`: nowhere.

    Returns:
        The matplotlib figure.

    Raises:
        ValueError: If the image does not fit the model, there are several, or
            the model has no stage with maps.
        TypeError: If `model` is no Keras model.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "classic/simple_convnet", weights=None, input_shape=(64, 64, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> image = np.random.default_rng(0).uniform(0, 255, (64, 64, 3))
    >>> figure = plot_stages(model, image, channels=3)
    """
    from matplotlib.figure import Figure

    layers = stage_layers(model)
    extractor = build_extractor(model, layers)
    pixels, activations = one_image(extractor, image)
    size = pixels.shape[:2]
    columns = channels + 1
    row_height = 1.05 * size[0] / size[1] + 0.22
    # A photograph in front, the heading of each row above its maps.
    figure = Figure(
        figsize=(1.15 * columns + 2.4, row_height * len(layers)),
        layout="constrained",
    )
    photo, sheet = figure.subfigures(1, 2, width_ratios=(2.4, 1.15 * columns))
    drawing.draw_image(photo.subplots(), pixels, "image")
    rows = sheet.subplots(len(layers), columns, squeeze=False)
    for axes in rows.ravel():
        axes.set_axis_off()
    for row, (name, layer) in zip(rows, layers.items(), strict=True):
        values = activations[name]
        maps = values if values.ndim == 3 else as_maps(values[None], size)[0]
        shown = activation_grid(maps, channels=channels).channels
        drawing.draw_map(row[0], maps.mean(axis=-1))
        row[0].set_title("mean", fontsize="small", color="0.4", pad=2)
        for axes, channel in zip(row[1:], shown, strict=False):
            drawing.draw_map(axes, maps[..., channel])
            axes.set_title(channel, fontsize="small", color="0.4", pad=2)
        row[0].annotate(
            f"{name}\n{layer.rpartition('/')[2]}\n"
            + " × ".join(map(str, values.shape)),
            (-0.12, 0.5),
            xycoords="axes fraction",
            ha="right",
            va="center",
            fontsize="small",
        )
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    return figure
