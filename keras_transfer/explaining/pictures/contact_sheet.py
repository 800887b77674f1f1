"""One image at all stages of a network, on one sheet."""

import os
from typing import Any

import keras

from keras_transfer.explaining.pictures import drawing
from keras_transfer.explaining.pictures.grid import activation_grid
from keras_transfer.explaining.pictures.maps import maps_of
from keras_transfer.explaining.pictures.maps import one_image
from keras_transfer.extraction.building import build_extractor
from keras_transfer.structure import anatomy


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
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "classic/simple_convnet", weights=None, input_shape=(64, 64, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> image = np.random.default_rng(0).uniform(0, 255, (64, 64, 3))
    >>> figure = kt.plot_stages(model, image, channels=3)
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
        maps = maps_of(extractor, name, values, size)
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


def stage_layers(model: keras.Model) -> dict[str, str]:
    """Maps each stage of a model's backbone to the path of its last layer.

    Stages that end in vectors, as a classifier without a nested backbone does,
    are left out.

    Args:
        model: Any Keras model.

    Raises:
        ValueError: If no stage ends in maps or tokens.
        TypeError: If `model` is no Keras model.

    Example:
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, strides=2, name="conv_1")(image)
    >>> x = keras.layers.Conv2D(16, 3, strides=2, name="conv_2")(x)
    >>> stage_layers(keras.Model(image, x))
    {'stem': 'conv_1', 'stage_1': 'conv_2'}
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model. Received: {model!r} of type "
            f"{type(model).__name__}."
        )
    parts = anatomy.dissect(model)
    prefix = f"{parts.path}/" if parts.path else ""
    found = {}
    for stage in parts.stages:
        layer = parts.backbone.get_layer(stage.last_layer)
        if len(layer.output.shape) > 2:
            found[stage.name] = prefix + stage.last_layer
    if not found:
        raise ValueError(
            f"The model {model.name!r} has no stage that ends in maps, (batch, "
            "height, width, channels). Name layers: kt.build_extractor(model, "
            "[...])."
        )
    return found
