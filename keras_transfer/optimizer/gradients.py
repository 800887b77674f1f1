"""What happens to gradients before they are shared out to cohorts."""

import warnings
from collections.abc import Sequence
from typing import Any

from keras_transfer import compat


def prepare_gradients(
    gradients: Sequence[Any],
    variables: Sequence[Any],
    loss_scale: float | None = None,
    global_clipnorm: float | None = None,
) -> tuple[list[Any], list[Any]]:
    """Returns unscaled and clipped gradients with their weights.

    The norm is that of all gradients together, so it cannot be left to the
    cohorts; and it must be taken after unscaling, as the stock optimizers do.

    Args:
        gradients: One gradient or None per weight.
        variables: The weights.
        loss_scale: What the loss was multiplied by. Defaults to 1.
        global_clipnorm: Largest common norm. Defaults to no limit.

    Raises:
        ValueError: If the lengths differ, or if there is no gradient at all.
    """
    if len(gradients) != len(variables):
        raise ValueError(
            f"Expected one gradient for each of {len(variables)} trainable "
            f"weights. Received {len(gradients)} gradients."
        )
    pairs = [
        (gradient, variable)
        for gradient, variable in zip(gradients, variables, strict=True)
        if gradient is not None
    ]
    if not pairs:
        raise ValueError(
            "No gradients provided for any of the trainable weights: "
            f"{[v.path for v in variables]}. The loss does not depend on them."
        )
    if len(pairs) < len(variables):
        missing = [
            variable.path
            for gradient, variable in zip(gradients, variables, strict=True)
            if gradient is None
        ]
        warnings.warn(
            f"Gradients do not exist for the weights {missing} when "
            "minimizing the loss; they are not updated.",
            stacklevel=3,
        )
    kept, owners = zip(*pairs, strict=True)
    if loss_scale is not None:
        kept = [gradient / loss_scale for gradient in kept]
    if global_clipnorm:
        kept = compat.clip_by_global_norm(kept, global_clipnorm)
    return list(kept), list(owners)
