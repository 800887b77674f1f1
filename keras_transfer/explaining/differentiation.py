"""Gradients of a scalar with respect to tensors, on each backend."""

import contextlib
import importlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras

# A function of a list of tensors that returns a scalar, then anything else.
Scored = Callable[[list[Any]], tuple[Any, Any]]


def differentiate(
    function: Scored, tensors: Sequence[Any]
) -> tuple[Any, list[Any]]:
    """Returns what a function computes besides a scalar, and the gradients.

    Args:
        function: Takes a list of tensors; returns a scalar tensor, then
            anything else, computed by differentiable operations of the active
            backend, such as `keras.ops` or the call of a model.
        tensors: Where to differentiate: arrays or tensors of floats.

    Returns:
        `(anything else, gradients)` with one gradient for each tensor: zeros
        where the scalar does not depend on it.

    Example:
    >>> _, (gradient,) = differentiate(
    ...     lambda tensors: (keras.ops.sum(tensors[0] ** 2), None),
    ...     [np.array([1.0, 3.0], "float32")])
    >>> print(keras.ops.convert_to_numpy(gradient))
    [2. 6.]
    """
    tensors = [keras.ops.convert_to_tensor(tensor) for tensor in tensors]
    return _BY_BACKEND[keras.backend.backend()](function, tensors)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that is traced once, to be called many times.

    Args:
        function: Takes and returns tensors; weights count as constants.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        tensorflow = importlib.import_module("tensorflow")
        return tensorflow.function(function, autograph=False)
    if backend == "jax":
        return importlib.import_module("jax").jit(function)
    return function


@contextlib.contextmanager
def without_gradients() -> Iterator[None]:
    """Computes what nobody will differentiate, without memory for it."""
    if keras.backend.backend() != "torch":
        yield
        return
    with importlib.import_module("torch").no_grad():
        yield


# No backend is imported by name anywhere in the package; here only the one
# that Keras has imported already is looked up.
def _tensorflow(function, tensors):
    tensorflow = importlib.import_module("tensorflow")
    with tensorflow.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        scalar, rest = function(tensors)
    return rest, tape.gradient(scalar, tensors, unconnected_gradients="zero")


def _jax(function, tensors):
    jax = importlib.import_module("jax")
    (_, rest), gradients = jax.value_and_grad(function, has_aux=True)(tensors)
    return rest, gradients


def _torch(function, tensors):
    torch = importlib.import_module("torch")
    with torch.enable_grad():
        tensors = [tensor.detach().requires_grad_() for tensor in tensors]
        scalar, rest = function(tensors)
        gradients = torch.autograd.grad(
            scalar, tensors, allow_unused=True, materialize_grads=True
        )
    return keras.tree.map_structure(_detached, rest), list(gradients)


def _detached(value):
    return value.detach() if hasattr(value, "detach") else value


_BY_BACKEND = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
