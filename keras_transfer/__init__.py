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
    "Contrast": "explaining.targets",
    "Embeddings": "embedding",
    "FeatureCache": "features.cache",
    "ModelFileError": "archive",
    "Neighbor": "similarity",
    "Preprocessing": "preprocessing",
    "ServiceLimits": "serving.limits",
    "TokensToGrid": "token_grid",
    "WeightsFile": "weights_file",
    "activation_gradients": "explaining.raw_gradients",
    "activation_grid": "extraction.grid",
    "activation_maximization": "explaining.feature_images",
    "attention_rollout": "explaining.rollout",
    "build_extractor": "extraction",
    "build_model": "transfer",
    "build_service": "serving.service",
    "callbacks": "callbacks",
    "compile_for_transfer": "compiling",
    "create_backbone": "create",
    "data": "data",
    "detect_stages": "stages",
    "eigen_cam": "explaining.principal_maps",
    "embed": "embedding",
    "export": "exporting.exporter",
    "features_as_grid": "token_grid",
    "fine_tune": "fine_tuning",
    "fit": "features.fitting",
    "freeze": "freezing",
    "get_backbone": "backbone",
    "grad_cam": "explaining.gradient_maps",
    "grad_cam_plus_plus": "explaining.gradient_maps",
    "heads": "heads",
    "info": "model_info",
    "integrated_gradients": "explaining.path_integral",
    "layer_cam": "explaining.gradient_maps",
    "list_backbones": "backbone",
    "load_embeddings": "embedding",
    "load_model": "loading",
    "load_weights": "weights",
    "nearest": "similarity",
    "optimize_for_inference": "inference.optimizing",
    "overlay": "explaining.overlaying",
    "plot_activations": "extraction.pictures",
    "plot_channel": "extraction.pictures",
    "plot_explanation": "explaining.overlaying",
    "plot_nearest": "similarity",
    "plot_stages": "extraction.contact_sheet",
    "plot_unit_activity": "extraction.activity",
    "plugins": "plugin_report",
    "predict_labels": "prediction",
    "recommend": "recommendation",
    "register_backbone": "backbone",
    "saliency": "explaining.input_gradients",
    "save_backbone": "preset",
    "save_model": "saving",
    "schedules": "schedules",
    "score_cam": "explaining.score_maps",
    "set_trainable": "freezing",
    "split": "features.boundary",
    "stages_of": "stages",
    "testing": "testing",
    "to_stock": "exporting.stock_model",
    "trainable_summary": "summary",
    "unit_activity": "extraction.activity",
    "weight_gradients": "explaining.raw_gradients",
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
