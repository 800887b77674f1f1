"""The static graph behind any model that is to be explained."""

import keras

from keras_transfer.extraction.calls import has_graph
from keras_transfer.extraction.tracing import trace
from keras_transfer.heads.auxiliary import auxiliary_removal
from keras_transfer.heads.auxiliary import model as auxiliary_model


def graph_model(model: keras.Model) -> keras.Model:
    """Returns a model with a static graph that computes the same.

    A Functional or Sequential model is returned itself, without its auxiliary
    heads; the `call` of a subclassed one is traced with symbolic images.

    Args:
        model: Any built Keras model.

    Raises:
        ValueError: If the model is not built or cannot be traced.
        TypeError: If `model` is no Keras model.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model. Received: {model!r} of type "
            f"{type(model).__name__}."
        )
    if isinstance(model, auxiliary_model.AuxiliaryModel):
        return auxiliary_removal.without_auxiliary_heads(model)
    if has_graph(model):
        return model
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built, so it has no weights "
            "to explain. Call it on images or load its weights first."
        )
    traced = trace(model)
    if traced.model is None:
        raise ValueError(
            "Explanations follow the graph of a model, but the subclassed "
            f"model {model.name!r} cannot be traced with symbolic tensors: "
            f"{traced.obstacle}. Write its `call` with Keras layers and "
            "keras.ops, without branches that depend on values."
        )
    return traced.model
