"""What an evaluation found, as values, a table and a page."""

import dataclasses
import os
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is on photographs whose answers are known.

    `kt.evaluate` makes it. In a notebook it shows itself.

    Args:
        kind: `"classification"`, `"ordinal"`, `"multi_label"` or
            `"regression"`.
        class_names: Names of the classes, labels or numbers.
        labels: What is true, one row for each photograph.
        outputs: Probabilities, or numbers in their units.
        predicted: What the model predicts, in the form of `labels`.
        files: Name of each photograph.
        threshold: The one that was asked for, or `None`.
        figures: All figures, as plain values.
        model_name: Name of the model or its file.
        source: What the photographs are, in words.
        predictor: The model; the page needs it for explanations.
        material: The photographs.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
    ...     keras.layers.Dense(2, "softmax", kernel_initializer="zeros")])
    >>> data = np.zeros((4, 8, 8, 3), "uint8"), np.array([0, 0, 0, 1])
    >>> found = kt.evaluate(model, data)
    >>> [round(end, 2) for end in found.interval]
    [0.3, 0.95]
    >>> found.to_json()["classes"][0]["recall"]
    1.0
    """

    kind: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    outputs: np.ndarray
    predicted: np.ndarray
    files: tuple[str, ...]
    threshold: float | None
    figures: dict[str, Any]
    model_name: str
    source: str
    predictor: Any = dataclasses.field(repr=False, default=None)
    material: Any = dataclasses.field(repr=False, default=None)

    @property
    def accuracy(self) -> float | None:
        """Share of photographs that are right; `None` for a regression."""
        return self.figures.get("accuracy")

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the accuracy on new photographs lies, with 95% confidence."""
        found = self.figures.get("accuracy_interval")
        return None if found is None else tuple(found)

    @property
    def confusion(self) -> np.ndarray | None:
        """Counts by true (rows) and predicted class (columns)."""
        found = self.figures.get("confusion")
        return None if found is None else np.array(found)

    def __repr__(self):
        lines = [f"{name}: {value}" for name, value in summary_rows(self)]
        return f"<Evaluation of {self.model_name}: {', '.join(lines)}>"

    def to_json(self) -> dict[str, Any]:
        """Returns everything but the pictures as plain JSON values."""
        return {
            "model": self.model_name,
            "data": self.source,
            "task": self.kind,
            "class_names": list(self.class_names),
            "threshold": self.threshold,
            **self.figures,
            "photographs": [
                {
                    "file": file,
                    "label": label,
                    "predicted": predicted,
                    "outputs": outputs,
                }
                for file, label, predicted, outputs in zip(
                    self.files,
                    self.labels.tolist(),
                    self.predicted.tolist(),
                    self.outputs.tolist(),
                    strict=True,
                )
            ],
        }

    def table(self) -> Any:
        """Returns the figures as tables of rich, to be printed by it."""
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        def table_of(columns, rows):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            for column in columns:
                table.add_column(column, overflow="fold")
            for row in rows:
                # Text, since a class may be called "[red]".
                table.add_row(*(Text(str(cell)) for cell in row))
            return table

        return Group(
            table_of(*class_rows(self)),
            table_of(("result", "value"), summary_rows(self)),
        )

    def html(
        self, path: str | os.PathLike | None = None, audit: Any = None
    ) -> str:
        """Returns one page with pictures that needs no network.

        Args:
            path: Where to write it as well. Defaults to `None`: nowhere.
            audit: What `kt.audit` found, to be shown too. Defaults to `None`.
        """
        from keras_transfer.evaluation.report import report_page

        text = report_page(self, audit)
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return text

    def _repr_html_(self):
        from keras_transfer.evaluation.report import notebook_page

        return notebook_page(self)


def class_rows(
    evaluation: Evaluation,
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns columns and rows for each class, label or number, as text."""
    if evaluation.kind == "regression":
        rows = [
            (
                each["name"],
                *(
                    f"{each[key]:.4g} {each['unit'] or ''}".strip()
                    for key in ("mae", "rmse")
                ),
                rounded(each["r2"]),
            )
            for each in evaluation.figures["targets"]
        ]
        return ("number", "MAE", "RMSE", "R²"), rows
    noun = {"multi_label": "label", "ordinal": "grade"}
    columns = ("precision", "recall", "f1")
    rows = [
        (
            each["name"],
            *(rounded(each[column]) for column in columns),
            str(each["support"]),
        )
        for each in evaluation.figures["classes"]
    ]
    title = noun.get(evaluation.kind, "class")
    return (title, "precision", "recall", "F1", "images"), rows


def summary_rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Returns names and values of what holds for all classes, as text."""
    found = evaluation.figures
    rows = [("photographs", f"{found['count']:,}")]
    if "accuracy" in found:
        low, high = found["accuracy_interval"]
        name = "accuracy"
        if evaluation.kind == "multi_label":
            name = "all labels right"
        rows.append(
            (name, f"{found['accuracy']:.3f} (95%: {low:.3f} to {high:.3f})")
        )
    for key, name in (
        ("balanced_accuracy", "balanced accuracy"),
        ("label_accuracy", "accuracy of single labels"),
        ("micro_f1", "F1, all labels together"),
        ("macro_f1", "F1, mean of the labels"),
        ("mean_grades_off", "grades off, mean"),
    ):
        if key in found:
            rows.append((name, rounded(found[key])))
    if "calibration" in found:
        error = found["calibration"]
        rows.append(
            (
                "expected calibration error",
                f"{error['error']:.3f} (a perfect model of this sample: "
                f"{error['floor']:.3f})",
            )
        )
    for name, curve in found.get("curves", {}).items():
        if curve is not None:
            text = (
                f"{curve['roc_auc']:.3f}, average precision "
                f"{curve['average_precision']:.3f}"
            )
            rows.append((f"ROC AUC of {name}", text))
    if evaluation.threshold is not None:
        about = "each label"
        if evaluation.kind == "classification":
            about = evaluation.class_names[1]
        rows.append(("threshold", f"{evaluation.threshold:g} for {about}"))
    return rows


def rounded(figure: float | None) -> str:
    """Returns a share with three digits, or a dash where it is unknown."""
    return "-" if figure is None else f"{figure:.3f}"
