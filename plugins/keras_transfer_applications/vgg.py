"""The VGG family.

A stage is a block of the paper, its pooling included.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import CC_BY
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _vgg(depth, digest):
    name = f"vgg{depth}"
    file_name = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return BackboneSpec(
        builder_of(name.upper(), name),
        default_size=224,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("caffe"),
        stages=name_stages(None, *(f"block{i}_pool" for i in range(1, 6))),
        weights={
            "imagenet": imagenet_file(f"{name}/{file_name}", digest, CC_BY)
        },
        license=licenses(CC_BY),
        reference="https://arxiv.org/abs/1409.1556",
        description=f"VGG with {depth} layers, plain 3x3 convolutions",
    )


VGG16 = _vgg(16, "6d6bbae143d832006294945121d1f1fc")
VGG19 = _vgg(19, "253f8cb515780f3b799900260a226db6")
