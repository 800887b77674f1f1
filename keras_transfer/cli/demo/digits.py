"""Handwritten digits: those to pretrain on, those to transfer to.

They are scikit-learn's, 1,797 scans of 8 by 8 pixels that 43 people wrote
(Alpaydin & Kaynak, 1998, https://archive.ics.uci.edu/dataset/80). Here each
lies somewhere in a picture of 12 by 12, as things do in photographs: cut to
the edge and centred, they are so alike that comparing pixels tells them apart,
and no network has much to learn.
"""

import dataclasses

import numpy as np
from sklearn.datasets import load_digits

FIRST_NEW = 5
PICTURE_SIZE = 12
CLASS_NAMES = tuple("56789")


@dataclasses.dataclass(frozen=True)
class Images:
    """Images with their labels.

    Args:
        x: Pixels 0-255, of shape `(number, height, width, 1)`, float32.
        y: Class numbers, of shape `(number,)`, from 0.
    """

    x: np.ndarray
    y: np.ndarray

    def take(self, numbers: np.ndarray) -> "Images":
        """Returns the images of these numbers."""
        return Images(self.x[numbers], self.y[numbers])


def load_old_and_new() -> tuple[Images, Images]:
    """Returns the digits 0 to 4, then 5 to 9 with labels 0 to 4, all 8 by 8."""
    data = load_digits()
    # The scans have 17 shades, 0 to 16.
    x = (data.images[..., np.newaxis] * (255 / 16)).astype("float32")
    y = data.target.astype("int32")
    is_old = y < FIRST_NEW
    return Images(x[is_old], y[is_old]), Images(
        x[~is_old], y[~is_old] - FIRST_NEW
    )


def in_eight_orientations(images: Images) -> Images:
    """Makes every digit, turned or mirrored, a class of its own.

    Five classes teach a network little that serves other digits; forty teach
    it more ([Santoro et al., 2016](https://arxiv.org/abs/1605.06065)).
    """
    num_classes = int(images.y.max()) + 1
    turned = [np.rot90(images.x, turns, (1, 2)) for turns in range(4)]
    views = [*turned, *(view[:, :, ::-1] for view in turned)]
    labels = [images.y + num_classes * number for number in range(8)]
    return Images(np.concatenate(views), np.concatenate(labels))


def scattered(images: Images, seed: int) -> Images:
    """Puts every digit somewhere in a larger, empty picture.

    Args:
        images: Digits of 8 by 8 pixels.
        seed: Number that decides where they lie.
    """
    height, width = images.x.shape[1:3]
    pictures = np.zeros(
        (len(images.y), PICTURE_SIZE, PICTURE_SIZE, 1), "float32"
    )
    places = np.random.default_rng(seed).integers(
        0, PICTURE_SIZE - height + 1, (len(images.y), 2)
    )
    for picture, digit, (top, left) in zip(
        pictures, images.x, places, strict=True
    ):
        picture[top : top + height, left : left + width] = digit
    return Images(pictures, images.y)


def few_examples(
    images: Images, per_class: int, seed: int
) -> tuple[Images, Images]:
    """Draws a few images of each class to train on; the rest is for testing.

    Args:
        images: All of them.
        per_class: How many of each class.
        seed: Number that decides the draw.
    """
    random = np.random.default_rng(seed)
    chosen = np.concatenate(
        [
            random.permutation(np.flatnonzero(images.y == label))[:per_class]
            for label in np.unique(images.y)
        ]
    )
    rest = np.setdiff1d(np.arange(len(images.y)), chosen)
    return images.take(chosen), images.take(rest)
