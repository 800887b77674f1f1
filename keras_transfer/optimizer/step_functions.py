"""The compiled step functions of a model, made anew when flags change."""

import contextlib
from collections.abc import Hashable
from collections.abc import Iterator

import keras


class StepFunctions:
    """Compiled functions of one model, kept for each set of flags.

    Returning to flags that were trained with before costs no new trace.
    """

    def __init__(self):
        self._by_signature: dict[Hashable, dict[str, object]] = {}
        self._installed: tuple[Hashable, object] | None = None

    def are_current(self, model: keras.Model, signature: Hashable) -> bool:
        """Whether the model's functions were made for these flags."""
        return self._installed == (signature, model.train_function)

    def forget(self) -> None:
        """Drops all functions: what they were traced with has gone."""
        self._by_signature.clear()
        self._installed = None

    def install(self, model: keras.Model, signature: Hashable) -> None:
        """Gives the model functions for the flags that it has now."""
        if self._installed and self._installed[1] is not model.train_function:
            # Somebody compiled: our functions know metrics that are gone.
            self.forget()
        functions = self._by_signature.get(signature)
        if functions is None:
            functions = remake(model, even_if_missing=True)
            self._by_signature[signature] = functions
        for name, function in functions.items():
            setattr(model, name, function)
        self._installed = (signature, model.train_function)


def remake(
    model: keras.Model, even_if_missing: bool = False
) -> dict[str, object]:
    """Makes a compiled model's step functions anew; traces come later.

    Args:
        model: A compiled model.
        even_if_missing: Whether to make those, too, that the model has not
            made yet. Defaults to False.

    Returns:
        The functions by the name of the model's attribute.
    """
    made = {}
    for step in _affected_steps(model):
        name = f"{step}_function"
        if even_if_missing or getattr(model, name) is not None:
            with _fresh_step(model, f"{step}_step"):
                getattr(model, f"make_{name}")(force=True)
            made[name] = getattr(model, name)
    return made


def _affected_steps(model):
    if keras.backend.backend() == "jax":
        # Values are bound to weights by position, in trainable and frozen
        # lists: every trace is wrong once a weight changes lists.
        return ("train", "test", "predict")
    if any(v.regularizer is not None for v in model.weights):
        # A frozen layer's penalty is no part of the loss, here and there.
        return ("train", "test")
    return ("train",)


@contextlib.contextmanager
def _fresh_step(model: keras.Model, name: str) -> Iterator[None]:
    """Shows a new function object in place of a model's step method.

    JAX keeps one cache for equal functions: a jitted method that is jitted
    again reuses the traces of the first, silently, if anything still refers to
    it or if the method is an attribute of the instance.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    own = vars(model).get(name)
    original = getattr(model, name)

    def step(*args):
        return original(*args)

    setattr(model, name, step)
    try:
        yield
    finally:
        if own is None:
            delattr(model, name)
        else:
            setattr(model, name, own)
