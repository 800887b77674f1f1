"""The blocks of DaViT, between its stem and its last normalization."""

import keras

from keras_transfer_classic.davit_attention import attend_channels
from keras_transfer_classic.davit_attention import attend_windows


def build_davit(
    input_shape: tuple[int, int, int],
    blocks: tuple[int, ...],
    channels: tuple[int, ...],
    heads: tuple[int, ...],
    window: list[int],
    drop_connect_rate: float,
    name: str,
) -> keras.Model:
    """Builds a DaViT without its classifier.

    Args:
        input_shape: `(height, width, channels)` of the images, in pixels.
        blocks: Number of blocks of each stage; their attention is between
            positions and between channels in turn.
        channels: Channels of each stage.
        heads: Attention heads of each stage.
        window: Height and width of attention windows, in positions.
        drop_connect_rate: How often training skips the very last block, in
            `[0, 1)`; the rate grows linearly from 0 at the first block.
        name: Name of the model.

    Returns:
        A Functional `keras.Model` with random weights.

    Reference: [Ding et al., 2022](https://arxiv.org/abs/2204.03645)
    """
    images = keras.Input(input_shape)
    x = keras.layers.ZeroPadding2D(3, name="stem_pad")(images)
    x = _convolve(x, channels[0], 7, 4, "valid", "stem_")
    x = _normalize(x, "stem_")
    number = 0
    for stage, depth in enumerate(blocks):
        prefix = f"stack{stage + 1}_"
        if stage > 0:
            x = _normalize(x, prefix + "downsample_")
            x = _convolve(
                x, channels[stage], 2, 2, "same", prefix + "downsample_"
            )
        for block in range(depth):
            rate = drop_connect_rate * number / sum(blocks)
            block_name = f"{prefix}block{block + 1}_"
            x = _add_position(x, block_name + "pre_attn_cpe_")
            y = _normalize(x, block_name + "attn_")
            if block % 2:
                y = attend_channels(
                    y, heads[stage], block_name + "channel_attn_"
                )
            else:
                y = attend_windows(
                    y, heads[stage], window, block_name + "attn_"
                )
            x = _add(x, y, rate, block_name + "1_")
            x = _add_position(x, block_name + "pre_ffn_cpe_")
            y = _widen(_normalize(x, block_name + "mlp_"), block_name + "mlp_")
            x = _add(x, y, rate, block_name + "2_")
            number += 1
    return keras.Model(images, _normalize(x, "pre_output_"), name=name)


def _normalize(x, prefix):
    return keras.layers.LayerNormalization(epsilon=1e-5, name=prefix + "ln")(x)


def _uniform(fan_in):
    # What PyTorch, where DaViT was trained, gives convolutions to begin with.
    return keras.initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5)


def _convolve(x, filters, kernel, strides, padding, prefix):
    return keras.layers.Conv2D(
        filters,
        kernel,
        strides,
        padding,
        kernel_initializer=_uniform(kernel**2 * x.shape[-1]),
        name=prefix + "conv",
    )(x)


def _add_position(x, prefix):
    """Adds what a depthwise convolution tells of a position's neighbours."""
    y = keras.layers.ZeroPadding2D(1, name=prefix + "pad")(x)
    y = keras.layers.DepthwiseConv2D(
        3,
        depthwise_initializer=_uniform(9 * x.shape[-1]),
        name=prefix + "dw_conv",
    )(y)
    return keras.layers.Add(name=prefix + "output")([x, y])


def _widen(x, prefix):
    channels = x.shape[-1]
    x = keras.layers.Dense(4 * channels, name=prefix + "Dense_0")(x)
    x = keras.layers.Activation("gelu", name=prefix + "gelu")(x)
    return keras.layers.Dense(channels, name=prefix + "Dense_1")(x)


def _add(x, y, drop_rate, prefix):
    if drop_rate > 0:
        y = keras.layers.Dropout(
            drop_rate, noise_shape=(None, 1, 1, 1), name=prefix + "drop"
        )(y)
    return keras.layers.Add(name=prefix + "output")([x, y])
