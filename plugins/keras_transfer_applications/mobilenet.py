"""MobileNet, first version."""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer import WeightsFile
from keras_transfer_applications import width
from keras_transfer_applications.application import APACHE
from keras_transfer_applications.application import build_features
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages

# How file names spell the widths; Keras checks no digest of these files.
_SPELLING = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
_SIZES = (128, 160, 192, 224)


def _build(input_shape, alpha=1.0, depth_multiplier=1):
    width.check_alpha(alpha)
    if isinstance(depth_multiplier, bool) or not (
        isinstance(depth_multiplier, int) and depth_multiplier >= 1
    ):
        raise ValueError(
            "`depth_multiplier` must be an integer of at least 1. "
            f"Received: depth_multiplier={depth_multiplier!r}."
        )
    return build_features(
        "MobileNet",
        "mobilenet",
        input_shape,
        alpha=alpha,
        depth_multiplier=depth_multiplier,
    )


def _imagenet(input_shape, alpha=1.0, depth_multiplier=1) -> WeightsFile:
    width.check_published("mobilenet", alpha, tuple(_SPELLING))
    if depth_multiplier != 1:
        raise ValueError(
            "There are ImageNet weights of 'mobilenet' with depth_multiplier=1 "
            f"alone. Received: depth_multiplier={depth_multiplier!r}."
        )
    size = width.published_size(input_shape, _SIZES)
    file_name = f"mobilenet_{_SPELLING[alpha]}_{size}_tf_no_top.h5"
    return imagenet_file(f"mobilenet/{file_name}", None, APACHE)


MobileNet = BackboneSpec(
    _build,
    default_size=224,
    minimum_size=32,
    preprocessing=Preprocessing.of_mode("tf"),
    stages=name_stages(
        *(f"conv_pw_{block}_relu" for block in (1, 3, 5, 11, 13))
    ),
    weights={"imagenet": _imagenet},
    license=licenses(APACHE),
    reference="https://arxiv.org/abs/1704.04861",
    description="Small network of depthwise separable convolutions",
)
