"""Inception-ResNet v2."""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import APACHE
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages

InceptionResNetV2 = BackboneSpec(
    builder_of("InceptionResNetV2", "inception_resnet_v2"),
    default_size=299,
    minimum_size=75,
    preprocessing=Preprocessing.of_mode("tf"),
    stages=name_stages(
        "activation_2",
        "activation_4",
        "block35_10_ac",
        "block17_20_ac",
        "conv_7b_ac",
    ),
    weights={
        "imagenet": imagenet_file(
            "inception_resnet_v2/"
            "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "d19885ff4a710c122648d3b5c3b684e4",
            APACHE,
        )
    },
    license=licenses(APACHE),
    reference="https://arxiv.org/abs/1602.07261",
    description="Inception with residual connections",
)
