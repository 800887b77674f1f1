"""The ConvNeXt family.

The stem, a convolution with stride 4, is a stage of its own as in the paper;
it ends at the resolution of `stage_1`.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import UNSTATED
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _convnext(variant, third_stage_end, digest):
    name = f"convnext_{variant}"
    factory = {"xlarge": "XLarge"}.get(variant, variant.title())
    weights = imagenet_file(f"convnext/{name}_notop.h5", digest, UNSTATED)
    return BackboneSpec(
        builder_of(f"ConvNeXt{factory}", name, include_preprocessing=False),
        default_size=224,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("torch"),
        stages=name_stages(
            f"{name}_stem",
            "add_2",
            "add_5",
            third_stage_end,
            "layer_normalization",
        ),
        weights={"imagenet": weights},
        license=licenses(UNSTATED),
        reference="https://arxiv.org/abs/2201.03545",
        description=f"Convolutions arranged as in transformers, {variant}",
    )


ConvNeXtTiny = _convnext(
    "tiny",
    "add_14",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
)
ConvNeXtSmall = _convnext(
    "small",
    "add_32",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
)
ConvNeXtBase = _convnext(
    "base",
    "add_32",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
)
ConvNeXtLarge = _convnext(
    "large",
    "add_32",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
)
ConvNeXtXLarge = _convnext(
    "xlarge",
    "add_32",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
)
