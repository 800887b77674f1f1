"""The NASNet family.

A cell reads the two cells before it, so nothing after the stem could be
detected as a stage: these are written by hand, each ending with the last cell
of its resolution. They partition the weights for freezing, they can be read
or cut at; but what follows `stage_1`, `stage_2` or `stage_3` needs one tensor
more than the end of that stage.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_applications.application import APACHE
from keras_transfer_applications.application import build_features
from keras_transfer_applications.application import imagenet_file
from keras_transfer_applications.application import licenses
from keras_transfer_applications.application import name_stages


def _nasnet(kind, size, ends, digest):
    name = f"nasnet_{kind}"

    def build(input_shape):
        # With an open size Keras would leave out the layers that bring two
        # cells to one resolution, and the network would fail when called.
        if None in input_shape:
            raise ValueError(
                f"{name!r} needs images of one size, since its cells are "
                "fitted to it. Give input_shape, such as "
                f"({size}, {size}, 3). Received: input_shape={input_shape}."
            )
        return build_features(f"NASNet{kind.title()}", name, input_shape)

    weights = imagenet_file(
        f"nasnet/NASNet-{kind}-no-top.h5",
        digest,
        APACHE,
        file_name=f"{name}_no_top.h5",
    )
    return BackboneSpec(
        build,
        default_size=size,
        minimum_size=32,
        preprocessing=Preprocessing.of_mode("tf"),
        stages=name_stages("stem_bn1", "reduction_concat_stem_1", *ends),
        weights={"imagenet": weights},
        license=licenses(APACHE),
        reference="https://arxiv.org/abs/1707.07012",
        description=f"Cells found by architecture search, {kind} size",
    )


NASNetMobile = _nasnet(
    "mobile",
    224,
    ("normal_concat_3", "normal_concat_8", "activation_187"),
    "1ed92395b5b598bdda52abe5c0dbfd63",
)
NASNetLarge = _nasnet(
    "large",
    331,
    ("normal_concat_5", "normal_concat_12", "activation_259"),
    "d81d89dc07e6e56530c4e77faddd61b5",
)
