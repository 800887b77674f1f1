"""Registration of our serializable classes with Keras.

`keras.saving.load_model` knows our layers after `import keras_transfer`,
although that import must not import Keras: when Keras is already there the
modules are imported at once, otherwise a one-shot import hook does it at the
moment Keras has been imported. (`wrapt` offers such hooks; importing it costs
40 ms, most of what `import keras_transfer` may take.)
"""

import importlib
import importlib.abc
import importlib.util
import sys

# Modules that define classes which saved models may hold.
_SERIALIZABLE = (
    "keras_transfer.structure.model_info",
    "keras_transfer.heads",
    "keras_transfer.heads.auxiliary.model",
    "keras_transfer.extraction",
    "keras_transfer.optimizer",
    "keras_transfer.structure.token_grid",
    "keras_transfer.training.label_metrics",
)


def register_when_keras_is_imported():
    """Imports the serializable modules now or right after Keras is imported."""
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(f, _KerasFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def _register():
    for name in _SERIALIZABLE:
        importlib.import_module(name)
    # Those of plugins are imported when a file needs them.
    importlib.import_module(
        "keras_transfer.registry.plugin_classes"
    ).add_stubs()


class _KerasFinder(importlib.abc.MetaPathFinder):
    """Finds Keras as usual and runs `_register` once it is imported."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("keras")
        if spec is not None:
            spec.loader = _ThenRegister(spec.loader)
        return spec


class _ThenRegister(importlib.abc.Loader):
    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        # Keras reads its own loader (for resources): give the real one back.
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _register()
