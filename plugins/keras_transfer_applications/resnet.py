"""The ResNet family, first version."""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import MIT
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _resnet(depth, blocks, digest):
    name = f"resnet{depth}"
    file_name = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = [f"conv{i}_block{n}_out" for i, n in enumerate(blocks, start=2)]
    return BackboneSpec(
        builder_of(f"ResNet{depth}", name),
        default_size=224,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("caffe"),
        stages=name_stages("conv1_relu", *ends),
        weights={"imagenet": imagenet_file(f"resnet/{file_name}", digest, MIT)},
        license=licenses(MIT),
        reference="https://arxiv.org/abs/1512.03385",
        description=f"Residual network with {depth} layers",
    )


ResNet50 = _resnet(50, (3, 4, 6, 3), "4d473c1dd8becc155b73f8504c6f6626")
ResNet101 = _resnet(101, (3, 4, 23, 3), "88cf7a10940856eca736dc7b7e228a21")
ResNet152 = _resnet(152, (3, 8, 36, 3), "ee4c566cf9a93f14d82f913c2dc6dd0c")
