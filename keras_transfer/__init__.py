"""Public names of keras_transfer, each loaded on first use.

Importing the package imports neither Keras nor a backend; it only arranges
that Keras learns our serializable classes when Keras itself is imported.
"""

import importlib
import sys

from keras_transfer import serialization

__version__ = "0.1.0"

# Where each public name lives; a name that maps to itself is a module. No
# function bears its module's name, since importing one would hide the other.
_HOME = {
    "AttentionPoolHead": "heads",
    "BackboneSpec": "models.spec",
    "Audit": "evaluation.audit_result",
    "Contrast": "explaining.targets",
    "Embeddings": "embedding",
    "CrossValidation": "evaluation.cross_validation",
    "Evaluation": "evaluation.result",
    "FeatureCache": "features.cache",
    "GeneralizedMeanPooling": "heads.generalized_mean_pooling",
    "ModelFileError": "saving.archive",
    "NaNLossError": "callbacks.early_end",
    "Neighbor": "embedding",
    "Preprocessing": "models.preprocessing",
    "ServiceLimits": "serving.limits",
    "StaleFeaturesError": "feature_store.manifest",
    "Targets": "structure.task",
    "TokensToGrid": "structure.token_grid",
    "WeightsFile": "models.weight_sources",
    "add_lora": "freezing.lora",
    "adopt_optimizer": "optimizer",
    "audit": "evaluation.auditing",
    "activation_gradients": "explaining.raw_gradients",
    "activation_grid": "explaining.pictures.grid",
    "activation_maximization": "explaining.feature_images",
    "attention_rollout": "explaining.rollout",
    "build_extractor": "extraction",
    "build_model": "models.transfer",
    "build_service": "serving.service",
    "callbacks": "callbacks",
    "compile_for_transfer": "training.compiling",
    "cross_validate": "evaluation.cross_validation",
    "create_backbone": "models.create",
    "data": "data",
    "detect_stages": "structure.stages",
    "eigen_cam": "explaining.score_maps",
    "embed": "embedding",
    "evaluate": "evaluation.evaluating",
    "export": "exporting.exporter",
    "features_as_grid": "structure.token_grid",
    "fine_tune": "training.fine_tuning",
    "fit": "training.fitting",
    "find_learning_rate": "training.learning_rate",
    "freeze": "freezing.freezing",
    "get_backbone": "models.spec",
    "grad_cam": "explaining.gradient_maps",
    "grad_cam_plus_plus": "explaining.gradient_maps",
    "heads": "heads",
    "info": "structure.info",
    "integrated_gradients": "explaining.path_integral",
    "layer_cam": "explaining.gradient_maps",
    "list_backbones": "models.spec",
    "load_embeddings": "embedding",
    "load_lora": "saving.lora",
    "load_model": "saving.loading",
    "load_weights": "saving.weights",
    "merge_lora": "freezing.lora",
    "nearest": "embedding",
    "optimize_for_inference": "exporting.runtimes.optimizing",
    "overlay": "explaining.overlaying",
    "plot_activations": "explaining.pictures.pictures",
    "plot_channel": "explaining.pictures.pictures",
    "plot_explanation": "explaining.overlaying",
    "plot_nearest": "embedding",
    "plot_stages": "explaining.pictures.contact_sheet",
    "plot_unit_activity": "explaining.pictures.activity",
    "plugins": "models.plugin_report",
    "predict_labels": "serving.prediction",
    "recommend": "training.recommendation",
    "register_backbone": "models.spec",
    "saliency": "explaining.input_gradients",
    "save_backbone": "models.preset",
    "save_lora": "saving.lora",
    "save_model": "saving.saving",
    "schedules": "schedules",
    "score_cam": "explaining.score_maps",
    "set_trainable": "freezing.freezing",
    "split_at_boundary": "features.boundary",
    "stages_of": "structure.stages",
    "testing": "testing",
    "to_stock": "exporting.stock_model",
    "trainable_summary": "freezing.summary",
    "transition": "optimizer.transition",
    "unit_activity": "explaining.pictures.activity",
    "weight_gradients": "explaining.raw_gradients",
    "with_auxiliary_heads": "heads.auxiliary.addition",
    "without_auxiliary_heads": "heads.auxiliary.model",
    "wrap_optimizer": "optimizer",
}

__all__ = sorted(_HOME)

# What public names were called in the release before.
_RENAMED = {"split": "split_at_boundary"}

serialization.register_when_keras_is_imported()


def __getattr__(name):
    if name in _RENAMED:
        names = importlib.import_module("keras_transfer.names")
        names.warn_renamed(f"kt.{name}", f"kt.{_RENAMED[name]}")
        return getattr(sys.modules[__name__], _RENAMED[name])
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
