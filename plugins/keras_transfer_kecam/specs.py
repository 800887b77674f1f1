"""The specification of every model in the catalogue, as an attribute.

The entry point `kecam.davit_t` leads to the attribute `davit_t`.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing
from keras_transfer_kecam import building
from keras_transfer_kecam import catalogue
from keras_transfer_kecam import published
from keras_transfer_kecam import published_files

_PREPROCESSING = {
    "torch": Preprocessing.of_mode("torch"),
    "tf": Preprocessing.of_mode("tf"),
    "raw01": Preprocessing.of_mode("unit"),
}
LICENSE = "code MIT (kecam); weights under the terms of the model's authors"


def __getattr__(name):
    model = catalogue.models().get(name)
    if model is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return specification(model)


def __dir__():
    return sorted([*globals(), *catalogue.models()])


def specification(model: catalogue.Model) -> BackboneSpec:
    """Makes the specification of one model.

    Args:
        model: Which one.
    """
    result = catalogue.results().get(model.name)
    return BackboneSpec(
        building.builder_of(model),
        default_size=model.size,
        # Where none was measured, the builder says what does not work.
        minimum_size=(result and result.minimum_size) or 32,
        preprocessing=_PREPROCESSING[model.preprocessing],
        stages=(result and result.stages) or "auto",
        weights=published.weights_of(model),
        read_weights=published_files.read_weights,
        license=LICENSE,
        reference=model.paper,
        description=_describe(model, result),
    )


def _describe(model, result):
    title = f"{model.family} of keras-cv-attention-models"
    if result is None:
        return f"{title}; not tried on Keras 3 yet"
    if result.state == "too large":
        return f"{title}; not tried on Keras 3: {result.reason}"
    if result.state == "fails":
        return f"{title}; does not work on Keras 3: {result.reason}"
    if result.classes:
        return f"{title}; its saved files need keras-transfer[kecam]"
    return f"{title}; its saved files need Keras alone"
