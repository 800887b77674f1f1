"""Inception v3."""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import APACHE
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages

InceptionV3 = BackboneSpec(
    builder_of("InceptionV3", "inception_v3"),
    default_size=299,
    minimum_size=75,
    preprocessing=Preprocessing.of_mode("tf"),
    stages=name_stages(
        "activation_2", "activation_4", "mixed2", "mixed7", "mixed10"
    ),
    weights={
        "imagenet": imagenet_file(
            "inception_v3/"
            "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "bcbd6486424b2319ff4ef7d526e38f63",
            APACHE,
        )
    },
    license=licenses(APACHE),
    reference="https://arxiv.org/abs/1512.00567",
    description="Inception with factorised convolutions",
)
