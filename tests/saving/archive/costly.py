"""A small honest model of every class of Keras that a file may hold.

Each layer is listed with its settings and the shape that it takes, so that a
class that is added to `stock_names` without a line here fails a test.
"""

import json
import zipfile

import keras

IMAGE, SERIES, VECTOR = (8, 8, 3), (8, 4), (4,)
VOLUME, FILM = (4, 4, 4, 2), (3, 6, 6, 2)
dense = keras.layers.Dense


# What a layer is made with, and the shape that it takes where it is no image.
def settings():
    layers = keras.layers
    pool = {"output_size": 2}
    conv = {"filters": 2, "kernel_size": 2}
    depth = {"kernel_size": 2}
    series_of_images = [(8, 8, 3), (8, 8, 3)]
    return {
        "ActivityRegularization": ({}, VECTOR),
        "Activation": ({"activation": "relu"}, VECTOR),
        "AdaptiveAveragePooling1D": (pool, SERIES),
        "AdaptiveAveragePooling2D": (pool, IMAGE),
        "AdaptiveAveragePooling3D": (pool, VOLUME),
        "AdaptiveMaxPooling1D": (pool, SERIES),
        "AdaptiveMaxPooling2D": (pool, IMAGE),
        "AdaptiveMaxPooling3D": (pool, VOLUME),
        "AdditiveAttention": ({}, [SERIES, SERIES]),
        "Attention": ({"use_scale": True}, [SERIES, SERIES]),
        "AlphaDropout": ({"rate": 0.1}, VECTOR),
        "AveragePooling1D": ({"pool_size": 2}, SERIES),
        "AveragePooling2D": ({"pool_size": 2}, IMAGE),
        "AveragePooling3D": ({"pool_size": 2}, VOLUME),
        "Bidirectional": ({"layer": layers.LSTM(2)}, SERIES),
        "CategoryEncoding": ({"num_tokens": 4}, VECTOR),
        "CenterCrop": ({"height": 4, "width": 4}, IMAGE),
        "Conv1D": (conv, SERIES),
        "Conv1DTranspose": (conv, SERIES),
        "Conv2D": (conv, IMAGE),
        "Conv2DTranspose": (conv, IMAGE),
        "Conv3D": (conv, VOLUME),
        "Conv3DTranspose": (conv, VOLUME),
        "ConvLSTM1D": (conv, (3, 6, 2)),
        "ConvLSTM2D": (conv, FILM),
        "ConvLSTM3D": (conv, (3, *VOLUME)),
        "Cropping1D": ({}, SERIES),
        "Cropping3D": ({}, VOLUME),
        "Dense": ({"units": 3}, VECTOR),
        "DepthwiseConv1D": (depth, SERIES),
        "DepthwiseConv2D": (depth, IMAGE),
        "Discretization": ({"bin_boundaries": [0.0, 1.0]}, VECTOR),
        "Dot": ({"axes": 1}, [VECTOR, VECTOR]),
        "Dropout": ({"rate": 0.1}, VECTOR),
        "EinsumDense": (
            {"equation": "abc,cd->abd", "output_shape": (None, 3)},
            SERIES,
        ),
        "Equalization": None,  # Hands its input on, which ends no graph.
        "Embedding": ({"input_dim": 5, "output_dim": 3}, VECTOR),
        "GRU": ({"units": 2}, SERIES),
        "GaussianDropout": ({"rate": 0.1}, VECTOR),
        "GaussianNoise": ({"stddev": 0.1}, VECTOR),
        "GlobalAveragePooling1D": ({}, SERIES),
        "GlobalAveragePooling3D": ({}, VOLUME),
        "GlobalMaxPooling1D": ({}, SERIES),
        "GlobalMaxPooling3D": ({}, VOLUME),
        "GroupNormalization": ({"groups": 3}, IMAGE),
        "GroupQueryAttention": (
            {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1},
            [SERIES, SERIES],
        ),
        "HashedCrossing": ({"num_bins": 5}, [(1,), (1,)]),
        "Hashing": ({"num_bins": 5}, (1,)),
        "IntegerLookup": ({"vocabulary": [3, 4]}, (1,)),
        "LSTM": ({"units": 2}, SERIES),
        "MaxNumBoundingBoxes": None,  # Takes bounding boxes, not tensors.
        "MaxPooling1D": ({}, SERIES),
        "MaxPooling3D": ({}, VOLUME),
        "MelSpectrogram": (
            {"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 8},
            (256,),
        ),
        "MultiHeadAttention": (
            {"num_heads": 2, "key_dim": 3},
            [SERIES, SERIES],
        ),
        "Normalization": ({"axis": -1}, VECTOR),
        "Permute": ({"dims": (2, 1)}, SERIES),
        "Pipeline": ({"layers": [layers.Rescaling(2.0)]}, IMAGE),
        "RNN": ({"cell": layers.LSTMCell(2)}, SERIES),
        "RandomBrightness": ({"factor": 0.1}, IMAGE),
        "RandomColorDegeneration": ({"factor": 0.1}, IMAGE),
        "RandomContrast": ({"factor": 0.1}, IMAGE),
        "RandomCrop": ({"height": 4, "width": 4}, IMAGE),
        "RandomHue": ({"factor": 0.1}, IMAGE),
        "RandomPosterization": ({"factor": 4}, IMAGE),
        "RandomRotation": ({"factor": 0.1}, IMAGE),
        "RandomSaturation": ({"factor": 0.1}, IMAGE),
        "RandomSharpness": ({"factor": 0.1}, IMAGE),
        "RandomTranslation": (
            {"height_factor": 0.1, "width_factor": 0.1},
            IMAGE,
        ),
        "RandomZoom": ({"height_factor": 0.1}, IMAGE),
        "RepeatVector": ({"n": 3}, VECTOR),
        "Rescaling": ({"scale": 2.0}, IMAGE),
        "Reshape": ({"target_shape": (2, 2)}, VECTOR),
        "Resizing": ({"height": 4, "width": 4}, IMAGE),
        "ReversibleEmbedding": ({"input_dim": 5, "output_dim": 3}, VECTOR),
        "STFTSpectrogram": (
            {"frame_length": 32, "frame_step": 16, "fft_length": 32},
            (256, 1),
        ),
        "SeparableConv1D": (conv, SERIES),
        "SeparableConv2D": (conv, IMAGE),
        "SimpleRNN": ({"units": 2}, SERIES),
        "SpatialDropout1D": ({"rate": 0.1}, SERIES),
        "SpatialDropout2D": ({"rate": 0.1}, IMAGE),
        "SpatialDropout3D": ({"rate": 0.1}, VOLUME),
        "SpectralNormalization": ({"layer": dense(3)}, VECTOR),
        "StringLookup": ({"vocabulary": ["a", "b"]}, (1,)),
        "TextVectorization": ({"vocabulary": ["a", "b"]}, (1,)),
        "TimeDistributed": ({"layer": dense(3)}, SERIES),
        "UpSampling1D": ({}, SERIES),
        "UpSampling3D": ({}, VOLUME),
        "ZeroPadding1D": ({}, SERIES),
        "ZeroPadding3D": ({}, VOLUME),
        **dict.fromkeys(
            "Add Average Concatenate Maximum Minimum Multiply Subtract".split(),
            ({}, series_of_images),
        ),
        # Cells, which stand in layers alone.
        "ConvLSTMCell": None,
        "GRUCell": ({"units": 2}, None),
        "LSTMCell": ({"units": 2}, None),
        "SimpleRNNCell": ({"units": 2}, None),
        "StackedRNNCells": (
            {"cells": [layers.GRUCell(2), layers.LSTMCell(3)]},
            None,
        ),
        "InputLayer": None,  # In every model.
        "CutMix": None,  # Take images with their labels.
        "MixUp": None,
    }


_TYPES = {
    "StringLookup": "string",
    "TextVectorization": "string",
    **dict.fromkeys(
        "CategoryEncoding Embedding HashedCrossing Hashing IntegerLookup "
        "ReversibleEmbedding".split(),
        "int32",
    ),
}


def model_with(name):
    """Builds a model of one layer; `None` where that cannot be."""
    found = settings().get(name, ({}, IMAGE))
    if found is None:
        return None
    options, shape = found
    layer = getattr(keras.layers, name)(**options)
    if shape is None:
        layer, shape = keras.layers.RNN(layer), SERIES
    shapes = shape if isinstance(shape, list) else [shape]
    inputs = [keras.Input(s, dtype=_TYPES.get(name)) for s in shapes]
    if name in ("GroupQueryAttention", "MultiHeadAttention"):
        outputs = layer(*inputs)
    else:
        outputs = layer(inputs if isinstance(shape, list) else inputs[0])
    return keras.Model(inputs, outputs)


def optimizers():
    for name in "SGD RMSprop Adam AdamW Adafactor Lion Nadam Ftrl Muon".split():
        yield name, getattr(keras.optimizers, name)(use_ema=True)
    yield (
        "LossScale",
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
    )


def metrics():
    made = keras.metrics
    return [
        made.AUC(),
        made.MeanIoU(num_classes=3),
        made.OneHotIoU(num_classes=3, target_class_ids=[1]),
        made.PrecisionAtRecall(0.5),
        made.RecallAtPrecision(0.5),
        made.SensitivityAtSpecificity(0.5),
        made.SpecificityAtSensitivity(0.5),
        made.F1Score(),
        made.SparseTopKCategoricalAccuracy(),
    ]


def numbers(item, at=()):
    """Places of all numbers of a configuration that size something."""
    if isinstance(item, dict):
        for key, value in item.items():
            if key not in ("seed", "shared_object_id", "inbound_nodes"):
                yield from numbers(value, (*at, key))
    elif isinstance(item, list):
        for index, value in enumerate(item):
            yield from numbers(value, (*at, index))
    elif isinstance(item, int) and not isinstance(item, bool):
        yield at


class Inflated:
    """A model file, written again with one number a million times as large."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self._members = {n: archive.read(n) for n in archive.namelist()}
        self.places = list(numbers(self._read()))

    def _read(self):
        return json.loads(self._members["config.json"])

    def write(self, path, place):
        config = item = self._read()
        for key in place[:-1]:
            item = item[key]
        item[place[-1]] = (item[place[-1]] or 1) * 1_000_000
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in self._members.items():
                if name == "config.json":
                    content = json.dumps(config)
                archive.writestr(name, content)
