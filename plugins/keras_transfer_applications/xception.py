"""Xception."""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import MIT
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages

Xception = BackboneSpec(
    builder_of("Xception", "xception"),
    default_size=299,
    minimum_size=71,
    preprocessing=Preprocessing.of_mode("tf"),
    stages=name_stages(
        "block1_conv2_act", "add", "add_1", "add_10", "block14_sepconv2_act"
    ),
    weights={
        "imagenet": imagenet_file(
            "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "b0042744bf5b25fce3cb969f33bebb97",
            MIT,
        )
    },
    license=licenses(MIT),
    reference="https://arxiv.org/abs/1610.02357",
    description="Depthwise separable convolutions with residual connections",
)
