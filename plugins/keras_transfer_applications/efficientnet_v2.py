"""The EfficientNet family, second version.

B0 to B3 were trained on standardised images like the first version, the
others on images between -1 and 1 by a scale of 128.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import UNSTATED
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _efficientnet_v2(variant, size, ends, digest):
    if variant.startswith("b"):
        preprocessing = Preprocessing.of_mode("torch")
    else:
        preprocessing = Preprocessing(1 / 128, -1.0)
    weights = imagenet_file(
        f"efficientnet_v2/efficientnetv2-{variant}_notop.h5", digest, UNSTATED
    )
    return BackboneSpec(
        builder_of(
            f"EfficientNetV2{variant.upper()}",
            f"efficientnet_v2_{variant}",
            include_preprocessing=False,
        ),
        default_size=size,
        minimum_size=32,
        preprocessing=preprocessing,
        stages=name_stages(*(f"block{end}" for end in ends), "top_activation"),
        weights={"imagenet": weights},
        license=licenses(UNSTATED),
        reference="https://arxiv.org/abs/2104.00298",
        description=f"Scaled network that trains fast, {variant.upper()}",
    )


# In B0 the stem has a single block, hence nothing to add.
EfficientNetV2B0 = _efficientnet_v2(
    "b0",
    224,
    ("1a_project_activation", "2b_add", "3b_add", "5e_add"),
    "893217f2bb855e2983157299931e43ff",
)
EfficientNetV2B1 = _efficientnet_v2(
    "b1",
    240,
    ("1b_add", "2c_add", "3c_add", "5f_add"),
    "0e80663031ca32d657f9caa404b6ec37",
)
EfficientNetV2B2 = _efficientnet_v2(
    "b2",
    260,
    ("1b_add", "2c_add", "3c_add", "5f_add"),
    "1dfe2e7a5d45b6632553a8961ea609eb",
)
EfficientNetV2B3 = _efficientnet_v2(
    "b3",
    300,
    ("1b_add", "2c_add", "3c_add", "5g_add"),
    "f6abf7b5849ac99a89b50dd3fd532856",
)
EfficientNetV2S = _efficientnet_v2(
    "s",
    384,
    ("1b_add", "2d_add", "3d_add", "5i_add"),
    "af0682fb74e8c54910f2d4393339c070",
)
EfficientNetV2M = _efficientnet_v2(
    "m",
    480,
    ("1c_add", "2e_add", "3e_add", "5n_add"),
    "1b8dc055df72dde80d614482840fe342",
)
EfficientNetV2L = _efficientnet_v2(
    "l",
    480,
    ("1d_add", "2g_add", "3g_add", "5s_add"),
    "b0b66b5c863aef5b46e8608fe1711615",
)
