"""Several augmented views of every photograph, as rows."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_transfer.data.catalogue import Catalogue
from keras_transfer.features.rows import ROW
from keras_transfer.features.rows import PhotographRows
from keras_transfer.names import check_whole_number


class ViewRows(PhotographRows):
    """The augmented photographs of a data set, with several views of each.

    Row `view * photographs + number` is one view of a photograph. Each epoch
    draws one view of each photograph.

    Args:
        catalogue: That of a data set that `kt.data.from_directory` made
            with `augment`.
        views: Number of views of each photograph.
    """

    def __init__(self, catalogue: Catalogue, views: int):
        super().__init__(catalogue)
        self.views = views

    @property
    def num_rows(self) -> int:
        return self.views * super().num_rows

    @property
    def inputs(self) -> list[tuple[tuple[int, ...], str]]:
        return [(shape, "float32") for shape, _ in super().inputs]

    def batches(self, start: int = 0) -> Iterator[Any]:
        count = super().num_rows
        first, start = divmod(start, count)
        for view in range(first, self.views):
            yield from self.catalogue.views_from(start, view)
            start = 0

    def numbers(self, offset: int) -> Any:
        count = super().num_rows
        return self.catalogue.draw_views(self.views).map(
            lambda row, view, *known: (
                {ROW: row + view * count + offset},
                *known,
            )
        )

    def fingerprint(self) -> dict[str, Any]:
        augment = self.catalogue.augment
        if isinstance(augment, keras.Layer):
            augment = keras.saving.serialize_keras_object(augment)
        return {
            **super().fingerprint(),
            "views": self.views,
            "seed": self.catalogue.seed,
            "augmentation": repr(augment),
        }


def check_views(views: int | None, x: Any) -> None:
    """Raises for a number of views if the data have no augmentation.

    Raises:
        ValueError: For a number below 1, or data without augmentation.
    """
    if views is None:
        return
    check_whole_number("views", views, least=1)
    catalogue = Catalogue.of(x)
    if catalogue is None or catalogue.augment is None:
        raise ValueError(
            "`views` keeps several augmented versions of each photograph, but "
            "these data are not augmented. Pass `augment` to "
            "kt.data.from_directory, or leave `views` out."
        )
