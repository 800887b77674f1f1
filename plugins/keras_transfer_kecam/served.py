"""The modules that kecam's sources get in place of their own."""

import types

import keras

from keras_transfer_kecam import functions
from keras_transfer_kecam import layer_fixes


def served_modules() -> dict[str, types.ModuleType]:
    """Maps names below `keras_cv_attention_models` to what is served.

    `backend` is kecam's only door to its framework. The packages whose
    initialization brings in detection, text and plots are left empty.
    """
    empty = ("", "clip", "coco", "imagenet", "imagenet.eval_func", "plot_func")
    modules = {name: types.ModuleType(name or "kecam") for name in empty}
    modules["imagenet.eval_func"].decode_predictions = None
    modules["backend"] = _backend()
    return modules


def _backend():
    module = types.ModuleType("backend")
    vars(module).update(
        is_tensorflow_backend=False,
        is_torch_backend=False,
        is_jax_backend=False,
        is_keras_core_backend=True,
        layers=_layers(),
        models=keras.models,
        initializers=keras.initializers,
        callbacks=keras.callbacks,
        metrics=keras.metrics,
        losses=keras.losses,
        optimizers=keras.optimizers,
        functional=functions.functional_module(),
        register_keras_serializable=layer_fixes.register,
        get_file=_refuse_download,
        # Not "tensorflow", for which kecam would look for TPUs.
        backend=lambda: "keras",
        image_data_format=lambda: "channels_last",
        is_channels_last=lambda: True,
        align_input_shape_by_image_data_format=lambda shape: list(shape[-3:]),
        numpy_image_resize=functions.resize_array,
        in_train_phase=_in_train_phase,
    )
    return module


def _layers():
    """Keras's layers, with functions applied at once in place of `Lambda`.

    A file that holds a `Lambda` cannot be loaded in safe mode.
    """
    module = types.ModuleType("layers")
    vars(module).update(vars(keras.layers))
    module.Lambda = lambda function, **options: function
    module.Softmax = layer_fixes.softmax_of_five_axes
    return module


def _refuse_download(*args, **kwargs):
    raise ValueError(
        "Weights of kecam are fetched by keras_transfer, not by kecam. Pass "
        "weights='imagenet' to create_backbone."
    )


def _in_train_phase(train_phase, evaluation_phase, training=None):
    return train_phase if training else evaluation_phase
