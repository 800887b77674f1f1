"""Stratified division of files into two parts."""

from pathlib import Path

from sklearn.model_selection import train_test_split


def stratified_split(
    images: dict[str, list[Path]], validation_split: float, seed: int
) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Divides every class in the same proportion, at random.

    A class is divided for itself: adding a class leaves the division of the
    others as it was. Every class keeps one training image or more, and gives
    one or more to validation if it has two.

    Args:
        images: Files of each class.
        validation_split: Fraction that goes to validation, between 0 and 1.
        seed: Number that decides the draw.

    Returns:
        The training files and the validation files of each class.
    """
    train, validation = {}, {}
    for name, files in images.items():
        if len(files) < 2:
            train[name], validation[name] = list(files), []
            continue
        # Over all classes at once, `stratify=` leaves small classes without
        # validation images, or refuses them.
        wanted = round(validation_split * len(files))
        count = min(max(wanted, 1), len(files) - 1)
        kept, held_out = train_test_split(
            files, test_size=count, random_state=seed
        )
        train[name], validation[name] = sorted(kept), sorted(held_out)
    return train, validation
