"""The way back from a model with auxiliary heads to its main path."""

import keras

from keras_transfer import compat
from keras_transfer.heads.auxiliary import nested_swap
from keras_transfer.heads.auxiliary.branch import AuxiliaryBranch
from keras_transfer.structure import anatomy


def without_auxiliary_heads(model: keras.Model) -> keras.Model:
    """Returns the plain model that remains when training is over.

    Outputs are those of the model itself, bit for bit; weights are shared, so
    that further training of one changes the other.

    Args:
        model: A model that `with_auxiliary_heads` made, or that was loaded
            from its file.

    Returns:
        A plain Functional `keras.Model`, not compiled, without a trace of the
        heads: save it for production.

    Raises:
        ValueError: If the model has no auxiliary heads.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "googlenet", weights=None, input_shape=(64, 64, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> training = kt.with_auxiliary_heads(
    ...     model, {"inception_4a": kt.heads.AuxiliaryHead(2)})
    >>> inference = without_auxiliary_heads(training)
    >>> training.count_params() - inference.count_params()
    199810
    """
    nodes = compat.graph_nodes(model) if compat.is_graph(model) else []
    branches = [n for n in nodes if isinstance(n.operation, AuxiliaryBranch)]
    if not branches:
        raise ValueError(
            f"The model {model.name!r} has no auxiliary heads to remove. "
            "Expected a model that `with_auxiliary_heads` made; one without "
            "them is ready for inference as it is."
        )
    part = keras.Model(
        model.input, branches[0].input_tensors[0], name=model.name
    )
    backbone = anatomy.dissect(part).backbone
    if backbone is part or len(backbone.outputs) == 1:
        return part
    single = nested_swap.with_outputs(backbone, backbone.outputs[0])
    return nested_swap.swap(part, backbone, single).model
