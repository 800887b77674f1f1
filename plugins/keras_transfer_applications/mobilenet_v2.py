"""MobileNet, second version.

The stem ends with the first block. Detection would end it inside the second
one, at the expansion that still has the resolution of the stem.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer import WeightsFile
from keras_transfer_applications import width
from keras_transfer_applications.application import APACHE
from keras_transfer_applications.application import build_features
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages

# Keras checks no digest of these files.
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_SIZES = (96, 128, 160, 192, 224)


def _build(input_shape, alpha=1.0):
    width.check_alpha(alpha)
    return build_features(
        "MobileNetV2", "mobilenet_v2", input_shape, alpha=alpha
    )


def _imagenet(input_shape, alpha=1.0) -> WeightsFile:
    width.check_published("mobilenet_v2", alpha, _ALPHAS)
    size = width.published_size(input_shape, _SIZES)
    return imagenet_file(
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"
        f"{float(alpha)}_{size}_no_top.h5",
        None,
        APACHE,
    )


MobileNetV2 = BackboneSpec(
    _build,
    default_size=224,
    minimum_size=32,
    preprocessing=Preprocessing.of_mode("tf"),
    stages=name_stages(
        "expanded_conv_project_BN",
        "block_2_add",
        "block_5_add",
        "block_12_add",
        "out_relu",
    ),
    weights={"imagenet": _imagenet},
    license=licenses(APACHE),
    reference="https://arxiv.org/abs/1801.04381",
    description="Small network of inverted residual blocks",
)
