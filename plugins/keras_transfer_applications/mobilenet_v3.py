"""The MobileNet family, third version.

Keras leaves the activations unnamed, of which there is one class in a
minimalistic network where there are two in a full one; so two of them are
renamed here, for stages to end at the same names whatever the options.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer import WeightsFile
from keras_transfer_applications import width
from keras_transfer_applications.application import UNSTATED
from keras_transfer_applications.application import build_features
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _mobilenet_v3(kind, ends, digests):
    name = f"mobilenet_v3_{kind}"

    def build(input_shape, alpha=1.0, minimalistic=False):
        width.check_alpha(alpha)
        if not isinstance(minimalistic, bool):
            raise TypeError(
                "`minimalistic` must be True or False. "
                f"Received: minimalistic={minimalistic!r}."
            )
        model = build_features(
            f"MobileNetV3{kind.title()}",
            name,
            input_shape,
            alpha=alpha,
            minimalistic=minimalistic,
            include_preprocessing=False,
        )
        layers = model.layers
        batch_norm = layers.index(model.get_layer("conv_bn"))
        layers[batch_norm + 1].name = "conv_activation"
        layers[-1].name = "top_activation"
        return model

    def imagenet(input_shape, alpha=1.0, minimalistic=False) -> WeightsFile:
        variant = "minimalistic_" if minimalistic else ""
        files = digests[variant]
        backbone = f"{name} ({variant.rstrip('_')})" if variant else name
        width.check_published(backbone, alpha, tuple(files))
        return imagenet_file(
            f"mobilenet_v3/weights_mobilenet_v3_{kind}_{variant}224_"
            f"{float(alpha)}_float_no_top_v2.h5",
            files[alpha],
            UNSTATED,
        )

    return BackboneSpec(
        build,
        default_size=224,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("tf"),
        stages=name_stages("conv_activation", *ends, "top_activation"),
        weights={"imagenet": imagenet},
        license=licenses(UNSTATED),
        reference="https://arxiv.org/abs/1905.02244",
        description=f"Network for phones found by search, {kind} size",
    )


MobileNetV3Small = _mobilenet_v3(
    "small",
    (
        "expanded_conv_project_bn",
        "expanded_conv_2_add",
        "expanded_conv_7_add",
    ),
    {
        "": {
            0.75: "ebdb5cc8e0b497cd13a7c275d475c819",
            1.0: "d3e8ec802a04aa4fc771ee12a9a9b836",
        },
        "minimalistic_": {1.0: "cde8136e733e811080d9fcd8a252f7e4"},
    },
)
MobileNetV3Large = _mobilenet_v3(
    "large",
    ("expanded_conv_2_add", "expanded_conv_5_add", "expanded_conv_11_add"),
    {
        "": {
            0.75: "40af19a13ebea4e2ee0c676887f69a2e",
            1.0: "07fb09a5933dd0c8eaafa16978110389",
        },
        "minimalistic_": {1.0: "ec5221f64a2f6d1ef965a614bdae7973"},
    },
)
