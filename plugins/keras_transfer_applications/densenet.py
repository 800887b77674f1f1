"""The DenseNet family."""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import BSD
from keras_transfer_applications.application import builder_of
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _densenet(depth, blocks, digest):
    name = f"densenet{depth}"
    file_name = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    ends = [f"conv{i}_block{n}_concat" for i, n in enumerate(blocks, start=2)]
    return BackboneSpec(
        builder_of(f"DenseNet{depth}", name),
        default_size=224,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("torch"),
        stages=name_stages("conv1_relu", *ends, "relu"),
        weights={
            "imagenet": imagenet_file(f"densenet/{file_name}", digest, BSD)
        },
        license=licenses(BSD),
        reference="https://arxiv.org/abs/1608.06993",
        description=f"Densely connected network with {depth} layers",
    )


DenseNet121 = _densenet(121, (6, 12, 24), "30ee3e1110167f948a6b9946edeeb738")
DenseNet169 = _densenet(169, (6, 12, 32), "b8c4d4c20dd625c148057b9ff1c1176b")
DenseNet201 = _densenet(201, (6, 12, 48), "c13680b51ded0fb44dff2d8f86ac8bb1")
