"""The EfficientNet family, first version.

Alone among the applications it has no `include_preprocessing`: its files
store mean and variance of the images as weights of a `Normalization` layer.
So that layer stays, where the other families declare their preprocessing.
"""

from keras_transfer import BackboneSpec
from keras_transfer_applications.application import UNSTATED
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def correct_variance(model) -> None:
    """Squares what the published files give as variance of the images.

    They hold standard deviations there. Keras makes up for it with one more
    `Rescaling`, but only when it loads these files by itself.

    Args:
        model: A model that has just loaded a published file.
    """
    layer = model.get_layer("normalization")
    mean, deviation, count = layer.get_weights()
    layer.set_weights([mean, deviation**2, count])
    layer.finalize_state()


def _efficientnet(variant, size, ends, digest):
    name = f"efficientnet_{variant}"
    weights = imagenet_file(
        "https://storage.googleapis.com/keras-applications/"
        f"efficientnet{variant}_notop.h5",
        digest,
        UNSTATED,
        finish=correct_variance,
    )
    return BackboneSpec(
        builder_of(f"EfficientNet{variant.upper()}", name),
        default_size=size,
        minimum_size=32,
        preprocessing="inside",
        stages=name_stages(*(f"block{end}" for end in ends), "top_activation"),
        weights={"imagenet": weights},
        license=licenses(UNSTATED),
        reference="https://arxiv.org/abs/1905.11946",
        description=f"Compound-scaled network, {variant.upper()}",
    )


# In B0 the stem has a single block, hence nothing to add.
EfficientNetB0 = _efficientnet(
    "b0",
    224,
    ("1a_project_bn", "2b_add", "3b_add", "5c_add"),
    "50bc09e76180e00e4465e1a485ddc09d",
)
EfficientNetB1 = _efficientnet(
    "b1",
    240,
    ("1b_add", "2c_add", "3c_add", "5d_add"),
    "74c4e6b3e1f6a1eea24c589628592432",
)
EfficientNetB2 = _efficientnet(
    "b2",
    260,
    ("1b_add", "2c_add", "3c_add", "5d_add"),
    "111f8e2ac8aa800a7a99e3239f7bfb39",
)
EfficientNetB3 = _efficientnet(
    "b3",
    300,
    ("1b_add", "2c_add", "3c_add", "5e_add"),
    "af6d107764bb5b1abb91932881670226",
)
EfficientNetB4 = _efficientnet(
    "b4",
    380,
    ("1b_add", "2d_add", "3d_add", "5f_add"),
    "ebc24e6d6c33eaebbd558eafbeedf1ba",
)
EfficientNetB5 = _efficientnet(
    "b5",
    456,
    ("1c_add", "2e_add", "3e_add", "5g_add"),
    "38879255a25d3c92d5e44e04ae6cec6f",
)
EfficientNetB6 = _efficientnet(
    "b6",
    528,
    ("1c_add", "2f_add", "3f_add", "5h_add"),
    "9ecce42647a20130c1f39a5d4cb75743",
)
EfficientNetB7 = _efficientnet(
    "b7",
    600,
    ("1d_add", "2g_add", "3g_add", "5j_add"),
    "cbcfe4450ddf6f3ad90b1b398090fe4a",
)
