"""Advice on how to train, from how much data there is and how near it is."""

from typing import NamedTuple

from keras_transfer import schedules
from keras_transfer.names import check_whole_number

SIMILARITIES = ("near", "far")
# Below either of these, the weights of a whole backbone outnumber what the
# photographs can say about them.
SMALL_PER_CLASS = 100
SMALL_IN_ALL = 1000


class Recommendation(NamedTuple):
    """A schedule with the reasons for it.

    Args:
        schedule: A callback for `fit`.
        reasons: A paragraph for people.
    """

    schedule: schedules.Schedule
    reasons: str


def recommend(
    num_images: int, num_classes: int, similarity: str = "near"
) -> Recommendation:
    """Recommends a freeze schedule for an amount and a kind of data.

    A rule of thumb for the first try, not a promise: compare it with
    `LinearProbe`, which takes minutes.

    Args:
        num_images: Number of training images, at least 1.
        num_classes: Number of classes, at least 2.
        similarity: `"near"` when the images look like the photographs that
            the backbone was pretrained on (for ImageNet: animals, objects,
            scenes), `"far"` when they do not (X-rays, satellite images,
            drawings, microscopy). Defaults to `"near"`.

    Returns:
        `(schedule, reasons)`.

    Raises:
        ValueError: For a number that is too small or an unknown similarity.

    Example:
    >>> import keras_transfer as kt
    >>> schedule, reasons = kt.recommend(244, 2, "near")
    >>> type(schedule).__name__
    'LinearProbe'

    Reference: [Yosinski et al., 2014](https://arxiv.org/abs/1411.1792),
    [Kornblith et al., 2019](https://arxiv.org/abs/1805.08974)
    """
    check_whole_number("num_images", num_images, least=1)
    check_whole_number("num_classes", num_classes, least=2)
    if similarity not in SIMILARITIES:
        raise ValueError(
            f"`similarity` must be one of {SIMILARITIES}. Received: "
            f"{similarity!r}."
        )
    is_small = (
        num_images < SMALL_IN_ALL or num_images / num_classes < SMALL_PER_CLASS
    )
    amount = (
        f"{num_images:,} images of {num_classes} classes, "
        f"{num_images / num_classes:,.0f} per class, are "
        f"{'few' if is_small else 'many'}"
    )
    choose = {
        (True, "near"): _few_near,
        (True, "far"): _few_far,
        (False, "near"): _many_near,
        (False, "far"): _many_far,
    }[is_small, similarity]
    return choose(amount)


def _few_near(amount):
    return Recommendation(
        schedules.LinearProbe(),
        f"{amount}, and they resemble what the backbone knows. Its features "
        "fit already, and thawing it would teach it these few images by "
        "heart. Train the head alone, with dropout; then see whether "
        "kt.fine_tune, which thaws at a tenth of the rate or less, adds "
        "anything.",
    )


def _few_far(amount):
    return Recommendation(
        schedules.GradualUnfreeze(
            every=2, start=3, learning_rate_multiplier=slice(0.01, 1.0)
        ),
        f"{amount}, and they do not resemble what the backbone knows. Its "
        "first layers see edges that are everywhere, its last ones objects "
        "that are not here: open it from the top, a stage every two epochs, "
        "the lower the slower, and stop when validation gets no better. "
        "Augment, and try a backbone cut at an earlier stage as well "
        "(cut_at='stage_3').",
    )


def _many_near(amount):
    return Recommendation(
        schedules.LinearProbeThenFineTune(
            probe_epochs=2, learning_rate_multiplier=slice(0.01, 1.0)
        ),
        f"{amount}, and they resemble what the backbone knows. Let the head "
        "learn for two epochs, so that its first large gradients do not "
        "distort good features; then fine-tune everything, the lower layers "
        "a hundred times slower than the head, since they need to change "
        "least.",
    )


def _many_far(amount):
    return Recommendation(
        schedules.LinearProbeThenFineTune(
            probe_epochs=1,
            learning_rate_multiplier=slice(0.1, 1.0),
            batch_norm="full",
        ),
        f"{amount}, and they do not resemble what the backbone knows. The "
        "pretrained weights are a good start and no more: after one epoch of "
        "the head, train everything at nearly the full rate, with "
        "BatchNormalization learning the new statistics. There may be enough "
        "images to train from scratch; compare.",
    )
