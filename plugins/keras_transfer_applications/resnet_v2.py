"""The ResNet family, second version.

Keras gives the stride to the last block of a stack, so the stages, which end
where the resolution changes, end one block before the stacks of the paper.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import UNSTATED
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _resnet_v2(depth, blocks, digest):
    file_name = f"resnet{depth}v2_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = [f"conv{i}_block{n - 1}_out" for i, n in enumerate(blocks, start=2)]
    weights = imagenet_file(f"resnet/{file_name}", digest, UNSTATED)
    return BackboneSpec(
        builder_of(f"ResNet{depth}V2", f"resnet{depth}_v2"),
        default_size=224,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("tf"),
        stages=name_stages("conv1_conv", *ends, "post_relu"),
        weights={"imagenet": weights},
        license=licenses(UNSTATED),
        reference="https://arxiv.org/abs/1603.05027",
        description=f"Residual network with {depth} layers, pre-activation",
    )


ResNet50V2 = _resnet_v2(50, (3, 4, 6), "fac2f116257151a9d068a22e544a4917")
ResNet101V2 = _resnet_v2(101, (3, 4, 23), "c0ed64b8031c3730f411d2eb4eea35b5")
ResNet152V2 = _resnet_v2(152, (3, 8, 36), "ed17cf2e0169df9d443503ef94b23b33")
