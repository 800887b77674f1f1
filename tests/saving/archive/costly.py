"""A small honest model of every class of Keras that a file may hold.

Each layer is listed with its settings and the shape that it takes, so that a
class that is added to `stock_names` without a line here fails a test.
"""

import inspect

import keras

from keras_transfer.saving.archive import stock_names

IMAGE, SERIES, VECTOR = (8, 8, 3), (8, 4), (4,)
VOLUME, FILM = (4, 4, 4, 2), (3, 6, 6, 2)
dense = keras.layers.Dense


# What a layer is made with, and the shape that it takes where it is no image.
def _settings():
    layers = keras.layers
    pool = {"output_size": 2}
    conv = {"filters": 2, "kernel_size": 2}
    depth = {"kernel_size": 2}
    series_of_images = [(8, 8, 3), (8, 8, 3)]
    box = {"target_height": 6, "target_width": 6}
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
        "AveragePooling1D": ({}, SERIES),
        "AveragePooling3D": ({}, VOLUME),
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
        "Embedding": ({"input_dim": 5, "output_dim": 3}, VECTOR),
        "GRU": ({"units": 2}, SERIES),
        "GaussianDropout": ({"rate": 0.1}, VECTOR),
        "GaussianNoise": ({"stddev": 0.1}, VECTOR),
        "GlobalAveragePooling1D": ({}, SERIES),
        "GlobalAveragePooling3D": ({}, VOLUME),
        "GlobalMaxPooling1D": ({}, SERIES),
        "GlobalMaxPooling3D": ({}, VOLUME),
        "GroupNormalization": ({"groups": 3}, IMAGE),
        "GroupedQueryAttention": (
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
        "RandomHeight": None,  # Of Keras 2; the name is not in Keras 3.
        "RandomWidth": None,
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
        "ThresholdedReLU": None,  # Of Keras 2.
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
