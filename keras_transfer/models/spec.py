"""The plugin contract: what a backbone plugin declares."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from keras_transfer import names
from keras_transfer.registry import registry

GROUP = "keras_transfer.backbones"


@names.renamed(licence="license")
@dataclasses.dataclass(frozen=True)
class BackboneSpec:
    """A backbone that can be built by name.

    Args:
        builder: `builder(input_shape, **options)` returns a randomly
            initialised, Functional `keras.Model` from images to features. Its
            keyword parameters are the backbone's options. Import Keras inside
            it, so that looking at the registry stays fast.
        name: `provider/name`; the entry point or `register_backbone` gives it.
        default_size: Height and width, in pixels, that `input_shape=None`
            means. Defaults to 224.
        minimum_size: Smallest height and width that work. Defaults to 32.
        preprocessing: What happens to 0-255 RGB images before the backbone:
            a `Preprocessing`, any callable that maps symbolic images to
            symbolic images with stock layers, or `"inside"` when the backbone
            itself takes 0-255. Defaults to `"inside"`.
        stages: `(name, last layer)` pairs from input to output, `stem`,
            `stage_1` and so on; the last one ends at the output. Defaults to
            `"auto"`: detected by the resolution of the features.
        weights: Maps a tag such as `"imagenet"` to a `WeightsFile`, or to a
            callable `f(input_shape, **options)` that returns one. Defaults to
            none.
        classifier: Names of layers that published `.h5` files may hold beside
            those of the backbone; they are left out when one is loaded. All
            other tensors must belong to the backbone. Defaults to none.
        read_weights: `f(model, path)` loads an `.h5` file in the format of
            the backbone's publisher, all of it or nothing. Defaults to
            Keras's own; files ending in `.weights.h5` or `.keras` are
            Keras's in any case.
        license: License of the code, and of the weights where it differs.
        reference: Address of the paper.
        description: One line for listings.

    Example:
    >>> import keras_transfer as kt
    >>> import keras
    >>> def build(input_shape, width=8):
    ...     image = keras.Input(input_shape)
    ...     features = keras.layers.Conv2D(width, 3, name="conv")(image)
    ...     return keras.Model(image, features, name="tiny")
    >>> spec = kt.BackboneSpec(build, default_size=64)
    >>> spec.options
    {'width': 8}
    """

    builder: Callable[..., Any]
    name: str = ""
    default_size: int = 224
    minimum_size: int = 32
    preprocessing: Any = "inside"
    stages: tuple[tuple[str, str], ...] | str = "auto"
    weights: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    classifier: tuple[str, ...] = ()
    read_weights: Callable[[Any, Any], None] | None = None
    license: str = ""
    reference: str = ""
    description: str = ""

    def __post_init__(self):
        if not callable(self.builder):
            raise TypeError(
                "`builder` must be a callable `builder(input_shape, "
                f"**options)`. Received: {self.builder!r}."
            )
        if isinstance(self.preprocessing, str):
            if self.preprocessing != "inside":
                raise ValueError(
                    "`preprocessing` must be a Preprocessing, a callable or "
                    f"'inside'. Received: {self.preprocessing!r}. Did you "
                    f"mean Preprocessing.of_mode({self.preprocessing!r})?"
                )
        elif not callable(self.preprocessing):
            raise TypeError(
                "`preprocessing` must be a Preprocessing, a callable or "
                f"'inside'. Received: {self.preprocessing!r}."
            )
        if isinstance(self.stages, str) and self.stages != "auto":
            raise ValueError(
                "`stages` must be 'auto' or (name, last layer) pairs. "
                f"Received: {self.stages!r}."
            )
        if isinstance(self.classifier, str):
            raise TypeError(
                "`classifier` must be a tuple of layer names. Received: "
                f"{self.classifier!r}. Write ({self.classifier!r},)."
            )

    @property
    def options(self) -> dict[str, Any]:
        """The builder's keyword options with their defaults."""
        parameters = list(inspect.signature(self.builder).parameters.values())
        return {
            p.name: p.default
            for p in parameters[1:]
            if p.default is not inspect.Parameter.empty
        }


def list_backbones(
    include: str | Iterable[str] = "*",
    exclude: str | Iterable[str] | None = None,
    provider: str | None = None,
) -> list[str]:
    """Lists the registered backbones without importing any of them.

    Args:
        include: Wildcard pattern or patterns, matched against full names
            (`applications/vgg16`) and short ones (`vgg16`).
        exclude: Pattern or patterns to leave out. Defaults to `None`.
        provider: Keep only names of this provider. Defaults to `None`: all.

    Returns:
        Full names in natural order.

    Example:
    >>> import keras_transfer as kt
    >>> kt.list_backbones("*vgg*")
    ['applications/vgg16', 'applications/vgg19']
    """
    return default_registry().names(include, exclude, provider)


def get_backbone(name: str) -> BackboneSpec:
    """Returns the specification of a backbone, importing only its plugin.

    Args:
        name: Full name, or short name where it is unique.

    Raises:
        ValueError: For an unknown or ambiguous name, or one that two
            distributions claim. A broken plugin raises its own exception.

    Example:
    >>> import keras_transfer as kt
    >>> kt.get_backbone("vgg16").default_size
    224
    """
    return default_registry().get(name)


def register_backbone(
    spec: Any = None, name: str | None = None, override: bool = False, **fields
) -> Any:
    """Registers a backbone for the life of this process.

    Prefer an entry point in the group `keras_transfer.backbones` for a
    backbone that others install.

    Args:
        spec: A `BackboneSpec` or a builder. Without it, or with only a name,
            the result is a decorator for a builder.
        name: `provider/name`.
        override: Whether to replace a backbone of that name. Defaults to
            `False`.
        **fields: Further fields of `BackboneSpec`, where a builder is given.

    Returns:
        What was registered, unchanged, or the decorator.

    Example:
    >>> import keras_transfer as kt
    >>> import keras
    >>> @kt.register_backbone(name="me/tiny", default_size=64)
    ... def tiny(input_shape):
    ...     image = keras.Input(input_shape)
    ...     return keras.Model(image, keras.layers.Conv2D(8, 3)(image))
    >>> kt.get_backbone("tiny").default_size
    64
    """
    if isinstance(spec, str) and name is None:
        spec, name = None, spec
    if spec is None:
        return functools.partial(
            register_backbone, name=name, override=override, **fields
        )
    if name is None and isinstance(spec, BackboneSpec):
        name = spec.name
    value = spec
    if fields:
        value = (
            dataclasses.replace(spec, **fields)
            if isinstance(spec, BackboneSpec)
            else BackboneSpec(spec, **fields)
        )
    default_registry().register(name, value, override)
    return spec


def owners() -> dict[str, tuple[str, str]]:
    """Maps each backbone to the distribution and version that provide it."""
    return default_registry().owners()


def owner_of(name: str) -> tuple[str, str]:
    """Returns distribution and version of the plugin that provides a name."""
    return default_registry().owner(name)


@functools.cache
def default_registry() -> registry.Registry:
    """Returns the registry behind `list_backbones` and `create_backbone`."""
    return registry.Registry(GROUP, "backbone", _as_spec)


def _as_spec(name, value):
    if isinstance(value, BackboneSpec):
        return dataclasses.replace(value, name=name)
    if callable(value) and not isinstance(value, type):
        return BackboneSpec(value, name=name)
    raise TypeError(
        f"The backbone {name!r} must be a BackboneSpec or a builder function. "
        f"Received: {value!r} of type {type(value).__name__}."
    )
