"""DaViT: attention between positions in turn with attention between channels.

Layers have the names, the order and the weights of keras_cv_attention_models
(1.4.3, MIT license, https://github.com/leondgarse/keras_cv_attention_models),
so its published `.h5` files load, with their classifier or without. The stem,
a convolution with stride 4, is a stage of its own.
"""

import math

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer import WeightsFile

_PUBLISHED = (
    "https://github.com/leondgarse/keras_cv_attention_models/releases/download/"
    "davit/"
)


def _davit(variant, blocks, channels, heads, md5):
    name = f"davit_{variant}"

    def build(input_shape, drop_connect_rate=0.0):
        _check_size(name, input_shape)
        _check_rate(drop_connect_rate)
        from keras_transfer_classic.davit_network import build_davit

        # Windows follow the image, so that a map always has about 8 by 8.
        window = [math.ceil(length / 32) for length in input_shape[:2]]
        return build_davit(
            input_shape,
            blocks,
            channels,
            heads,
            window,
            drop_connect_rate,
            name,
        )

    return BackboneSpec(
        build,
        default_size=224,
        # Below it a window would be a single position.
        minimum_size=33,
        preprocessing=Preprocessing.of_mode("torch"),
        stages=(
            ("stem", "stem_ln"),
            ("stage_1", "stack1_block2_2_output"),
            ("stage_2", "stack2_block2_2_output"),
            ("stage_3", f"stack3_block{blocks[2]}_2_output"),
            ("stage_4", "pre_output_ln"),
        ),
        weights={
            "imagenet": WeightsFile(
                f"{_PUBLISHED}{name}_imagenet.h5", md5=md5, license="MIT"
            )
        },
        classifier=("predictions",),
        license="code Apache-2.0, after keras_cv_attention_models (MIT); "
        "weights MIT",
        reference="https://arxiv.org/abs/2204.03645",
        description=f"Dual attention vision transformer, {variant.upper()}",
    )


def _check_size(name, input_shape):
    if None in input_shape:
        raise ValueError(
            f"The backbone {name!r} needs images of one known size, since its "
            "attention windows follow the size. Received: "
            f"`input_shape={input_shape!r}`. Give height and width, such as "
            "(224, 224, 3)."
        )


def _check_rate(rate):
    if isinstance(rate, bool) or not isinstance(rate, (int, float)):
        raise TypeError(
            "`drop_connect_rate` must be a number. Received: "
            f"drop_connect_rate={rate!r} of type {type(rate).__name__}."
        )
    if not 0 <= rate < 1:
        raise ValueError(
            "`drop_connect_rate` must be at least 0 and below 1. Received: "
            f"drop_connect_rate={rate!r}."
        )


DaViTT = _davit(
    "t",
    blocks=(2, 2, 6, 2),
    channels=(96, 192, 384, 768),
    heads=(3, 6, 12, 24),
    md5="040a215cbcf1c0ce06db665cdcf6f9ac",
)
DaViTS = _davit(
    "s",
    blocks=(2, 2, 18, 2),
    channels=(96, 192, 384, 768),
    heads=(3, 6, 12, 24),
    md5="b95558071c639815f4ab2e9d09a4141f",
)
DaViTB = _davit(
    "b",
    blocks=(2, 2, 18, 2),
    channels=(128, 256, 512, 1024),
    heads=(4, 8, 16, 32),
    md5="89e50de7a70ea7b2404f8f57369d8015",
)
