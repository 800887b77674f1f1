"""Recording: an extractor that runs a model and watches its layers."""

import contextlib
import threading
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.extraction.extractor import Extraction
from keras_transfer.extraction.pooling import ActivationPooling
from keras_transfer.extraction.watched import Watched
from keras_transfer.structure.paths import places_of

# One model may have several extractors; while one watches its layers the
# others wait.
_lock = threading.RLock()


@keras.saving.register_keras_serializable(
    "keras_transfer", name="RecordingExtractor"
)
class RecordingExtractor(keras.Model):
    """A model that runs another and returns what some of its layers returned.

    `build_extractor` makes it where no graph shows the activations. It runs
    the whole model, and holds it: saving it saves the model. What a layer
    returns inside a loop or a branch that the backend compiles stays there,
    and asking for it is the backend's own error. It runs in inference mode
    unless it was built with `detach=True`.

    Args:
        model: The model to run.
        watched: What to return, by name.
        pooling: See `build_extractor`.
        extraction: How the extractor was made.
        **kwargs: Arguments of `keras.Model`.
    """

    def __init__(
        self,
        model: keras.Model,
        watched: dict[str, Watched],
        pooling: str | None = None,
        extraction: Extraction | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.model = model
        self.pool = ActivationPooling(pooling, name="pool", dtype=model.dtype)
        # Past Keras's attribute tracking, which would wrap the dictionary.
        object.__setattr__(self, "watched", dict(watched))
        self.extraction = extraction or Extraction(
            "record", {name: w.path for name, w in watched.items()}
        )

    @property
    def mode(self) -> str:
        """`"record"`."""
        return self.extraction.mode

    @property
    def paths(self) -> dict[str, str]:
        """The full path of each activation in the model, by name."""
        return dict(self.extraction.paths)

    def build(self, input_shape):
        if not self.model.built:
            self.model.build(input_shape)
        self.built = True

    def call(self, inputs, training=None):
        if not self.extraction.detached:
            training = False
        places = places_of(self.model)
        chosen = {
            w.path: places[w.path].layers[0] for w in self.watched.values()
        }
        with compat.training_restored(), _returned_by(chosen) as returned:
            self.model(inputs, training=training)
        return {
            name: self.pool(_pick(watched, returned[watched.path]))
            for name, watched in self.watched.items()
        }

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "watched": {name: list(w) for name, w in self.watched.items()},
            "pooling": self.pool.pooling,
            "extraction": {
                "mode": self.mode,
                "paths": self.paths,
                "detached": self.extraction.detached,
            },
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        model = keras.saving.deserialize_keras_object(
            config.pop("model"), custom_objects=custom_objects
        )
        watched = {n: Watched(*w) for n, w in config.pop("watched").items()}
        extraction = Extraction(**config.pop("extraction"))
        return cls(model, watched, extraction=extraction, **config)


def _pick(watched, calls):
    if watched.call >= len(calls):
        raise ValueError(
            f"The layer {watched.path!r} was called {len(calls)} time(s) in "
            f"this run of the model. Expected a call number {watched.call}, "
            "counted from 0."
        )
    outputs = keras.tree.flatten(calls[watched.call])
    if watched.index is None and len(outputs) > 1:
        raise ValueError(
            f"The layer {watched.path!r} returned {len(outputs)} tensors. Ask "
            f"for one of them, for example '{watched.path}[0]'."
        )
    index = watched.index or 0
    if index >= len(outputs):
        raise ValueError(
            f"The layer {watched.path!r} returned {len(outputs)} tensor(s). "
            f"Received: '{watched.path}[{index}]'."
        )
    return outputs[index]


@contextlib.contextmanager
def _returned_by(layers: dict[str, Any]):
    """Collects what layers return while it is open, by path and call."""
    returned = {path: [] for path in layers}
    thread = threading.get_ident()

    def watch(layer, results):
        call = layer.call

        def watched_call(*args, **kwargs):
            result = call(*args, **kwargs)
            # Another thread may be using the model itself.
            if threading.get_ident() == thread:
                results.append(result)
            return result

        # Past Keras's attribute tracking; on the object, so that other layers
        # of the class do not notice.
        object.__setattr__(layer, "call", watched_call)

    with _lock, contextlib.ExitStack() as restoring:
        for path, layer in layers.items():
            restoring.callback(_restore, layer, vars(layer).get("call"))
            watch(layer, returned[path])
        yield returned


def _restore(layer, call):
    if call is None:
        object.__delattr__(layer, "call")
    else:
        object.__setattr__(layer, "call", call)
