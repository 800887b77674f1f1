"""Public names of keras_transfer, each loaded on first use.

Importing the package imports neither Keras nor a backend; it only arranges
that Keras learns our serializable classes when Keras itself is imported.
"""

import importlib

from keras_transfer import serialization

__version__ = "0.1.0"

# Where each public name lives; a name that maps to itself is a module. No
# function bears its module's name, since importing one would hide the other.
_HOME = {
    "AttentionPoolHead": "heads",
    "BackboneSpec": "backbone",
    "Preprocessing": "preprocessing",
    "TokensToGrid": "token_grid",
    "WeightsFile": "weights_file",
    "build_model": "transfer",
    "compile_for_transfer": "compiling",
    "create_backbone": "create",
    "data": "data",
    "detect_stages": "stages",
    "features_as_grid": "token_grid",
    "fine_tune": "fine_tuning",
    "freeze": "freezing",
    "get_backbone": "backbone",
    "heads": "heads",
    "info": "model_info",
    "list_backbones": "backbone",
    "load_model": "saving",
    "plugins": "backbone",
    "predict_labels": "prediction",
    "recommend": "recommendation",
    "register_backbone": "backbone",
    "save_model": "saving",
    "schedules": "schedules",
    "set_trainable": "freezing",
    "stages_of": "stages",
    "testing": "testing",
    "trainable_summary": "summary",
    "with_auxiliary_heads": "heads.auxiliary_addition",
    "without_auxiliary_heads": "heads.auxiliary_removal",
    "wrap_optimizer": "optimizer",
}

__all__ = sorted(_HOME)

serialization.register_when_keras_is_imported()


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(
            f"module 'keras_transfer' has no attribute {name!r}"
        )
    module = importlib.import_module(f"keras_transfer.{_HOME[name]}")
    value = module if _HOME[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
