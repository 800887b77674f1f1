"""What `fit --folds` and `fit --report` add to a training run."""

import argparse
import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

from keras_transfer.cli import words
from keras_transfer.cli.fit.photographs import folders_of

_LEAST_FOLDS = 2


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument(
        "--folds",
        type=words.whole_number(_LEAST_FOLDS),
        metavar="K",
        help="tell the accuracy on new photographs with an interval, by heads "
        "trained on 2 x K folds of one pass of features; 10 is a good number",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="write a page beside the model, MODEL_report.html: curves, "
        "confusion matrix, mistakes, what an audit of the photographs found",
    )


def check(arguments: argparse.Namespace) -> None:
    """Raises where folds would tell of another training than this one.

    Raises:
        ValueError: With the option that does not go with `--folds`.
    """
    for wanted, option in (
        (arguments.folds is not None, "--folds"),
        (arguments.report, "--report"),
    ):
        if wanted and not arguments.validation_split:
            raise ValueError(
                f"{option} judges photographs that are held out. Received: "
                f"--validation-split 0. Leave one of the two out."
            )
    if arguments.folds is None:
        return
    for given, option in (
        (arguments.schedule != "linear_probe", "--schedule"),
        (arguments.augment, "--augment"),
    ):
        if given:
            raise ValueError(
                "--folds trains heads on features that are computed once, so "
                f"it would tell nothing of a training with {option}. Leave "
                f"{option} or --folds out."
            )


@contextlib.contextmanager
def shared_features(arguments: argparse.Namespace) -> Iterator[None]:
    """Keeps the features of a run where folds and audit find them as well."""
    import keras

    wants = arguments.folds is not None or arguments.report
    is_probe = arguments.schedule == "linear_probe" and not arguments.augment
    is_free = arguments.cache == "auto" and wants and is_probe
    if not is_free or keras.backend.backend() != "tensorflow":
        yield
        return
    with tempfile.TemporaryDirectory(prefix="keras-transfer-") as folder:
        arguments.cache = folder
        try:
            yield
        finally:
            arguments.cache = "auto"


def cross_validated(
    arguments: argparse.Namespace, model: Any, parts: tuple[Any, Any]
) -> Any:
    """Returns what `--folds` asks for, printed; `None` without it.

    Args:
        arguments: Those of `fit`.
        model: The compiled model, untrained.
        parts: The training and the validation images.
    """
    if arguments.folds is None:
        return None
    import keras_transfer as kt

    kt.freeze(model)
    found = kt.cross_validate(
        model,
        list(parts),
        folds=arguments.folds,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        cache=_folder(arguments),
        seed=arguments.seed,
    )
    print(f"Cross-validation: {found}\n", flush=True)
    return found


def write_report(
    path: pathlib.Path,
    arguments: argparse.Namespace,
    model: Any,
    parts: tuple[Any, Any],
    history: dict[str, list[float]],
    kept_epoch: int | None,
    folds: Any,
) -> None:
    """Writes the page of a training run.

    Args:
        path: The file.
        arguments: Those of `fit`.
        model: The trained model.
        parts: The training and the validation images.
        history: Each metric by epoch.
        kept_epoch: The epoch whose weights were kept, counted from 1.
        folds: What `cross_validated` returned.
    """
    from keras_transfer.evaluation.evaluating import evaluate
    from keras_transfer.evaluation.material import material_of
    from keras_transfer.evaluation.report import report_page

    root = folders_of(arguments)[0]
    both = dataclasses.replace(material_of(parts), root=root)
    rows = [i for i, s in enumerate(both.splits) if s == "validation"]
    found = dataclasses.replace(
        evaluate(model, both.only(rows)),
        model_name=arguments.out.name,
        source=f"validation photographs of {root.resolve().name}",
    )
    text = report_page(
        found,
        audited(both, _features(arguments, model, parts)),
        history,
        kept_epoch,
        folds,
    )
    path.write_text(text, encoding="utf-8")


def audited(data: Any, features: Any = None) -> Any:
    """Returns an audit for a page, or what says there why there is none.

    Args:
        data: As for `kt.audit`.
        features: As for `kt.audit`.
    """
    from keras_transfer.evaluation.auditing import audit

    try:
        return audit(data, features=features)
    except ImportError as error:
        # The page is worth having without it, and says what to install.
        return _NoAudit(str(error))


def _features(arguments, model, parts):
    folder = _folder(arguments)
    if folder is None or arguments.schedule != "linear_probe":
        return None
    import numpy as np

    import keras_transfer as kt

    kt.freeze(model)
    split = kt.split_at_boundary(model)
    cache = kt.FeatureCache(split, *parts, folder=folder, progress=False)
    features = np.asarray(cache.read(slice(None))[0], "float32")
    return features.mean(axis=tuple(range(1, features.ndim - 1)))


def _folder(arguments):
    named = arguments.cache not in ("auto", "memory", "none")
    return arguments.cache if named and not arguments.augment else None


@dataclasses.dataclass(frozen=True)
class _NoAudit:
    """Says on the page why there is no audit."""

    reason: str

    def section(self):
        from keras_transfer.evaluation import page

        return page.section("Audit", page.paragraph(self.reason))
