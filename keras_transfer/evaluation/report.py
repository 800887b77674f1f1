"""The page of an evaluation: figures, curves, mistakes, what an audit found."""

from typing import Any

import numpy as np

from keras_transfer.evaluation import page
from keras_transfer.evaluation.charts import line_chart
from keras_transfer.evaluation.gallery import least_certain
from keras_transfer.evaluation.gallery import worst_mistakes
from keras_transfer.evaluation.result import Evaluation
from keras_transfer.evaluation.result import class_rows
from keras_transfer.evaluation.result import summary_rows

_MOST_IN_MATRIX = 25
_MOST_CURVES = 5
_MOST_DOTS = 1000


def report_page(
    evaluation: Evaluation,
    audit: Any = None,
    history: dict[str, list[float]] | None = None,
    kept_epoch: int | None = None,
    folds: Any = None,
) -> str:
    """Returns a page of what is known of a model.

    Args:
        evaluation: What `kt.evaluate` returned.
        audit: What `kt.audit` returned, or `None`.
        history: Each metric of the training by epoch, or `None`.
        kept_epoch: The epoch whose weights were kept, counted from 1.
        folds: What `kt.cross_validate` returned, or `None`.
    """
    parts = [_figures(evaluation)]
    if folds is not None:
        parts.append(folds.section())
    parts += [_matrix(evaluation), _charts(evaluation)]
    if history:
        parts.append(_training(history, kept_epoch))
    parts += [worst_mistakes(evaluation), least_certain(evaluation)]
    if audit is not None:
        parts.append(audit.section())
    return page.document(_title(evaluation), "".join(parts))


def notebook_page(evaluation: Evaluation) -> str:
    """Returns the figures and curves without photographs, for a notebook."""
    parts = _figures(evaluation), _matrix(evaluation), _charts(evaluation)
    return page.fragment(_title(evaluation), "".join(parts))


def _title(evaluation):
    return f"{evaluation.model_name} on {evaluation.source}"


def _figures(evaluation):
    columns, rows = class_rows(evaluation)
    about = summary_rows(evaluation)
    top = ""
    if evaluation.accuracy is not None:
        low, high = evaluation.interval
        name = dict(about).get("balanced accuracy")
        values = [
            ("accuracy", f"{evaluation.accuracy:.1%}"),
            ("95% interval", f"{low:.1%} – {high:.1%}"),
        ]
        if name is not None:
            values.append(("balanced accuracy", f"{float(name):.1%}"))
        values.append(("photographs", f"{evaluation.figures['count']:,}"))
        top = page.headline(values)
    return top + page.section(
        "Figures",
        page.table(columns, rows),
        page.table(("result", "value"), about, left=2),
    )


def _matrix(evaluation):
    if evaluation.kind not in ("classification", "ordinal"):
        return ""
    counts, names = evaluation.confusion, evaluation.class_names
    if len(names) <= _MOST_IN_MATRIX:
        return page.section("Confusion matrix", page.matrix(counts, names))
    wrong = counts * (1 - np.eye(len(names), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_IN_MATRIX]
    pairs = [np.unravel_index(place, counts.shape) for place in order]
    rows = [(names[i], names[j], counts[i, j]) for i, j in pairs if wrong[i, j]]
    return page.section(
        "Most often confused",
        page.table(("true", "predicted", "photographs"), rows, left=2),
    )


def _charts(evaluation):
    found, drawn = evaluation.figures, []
    if evaluation.kind == "regression":
        drawn = _scatters(evaluation)
    if "calibration" in found:
        drawn.append(_calibration(found["calibration"]))
    curves = {k: v for k, v in found.get("curves", {}).items() if v}
    curves = dict(list(curves.items())[:_MOST_CURVES])
    for key, title, axes in (
        ("roc", "ROC", ("false positive rate", "true positive rate")),
        ("precision_recall", "Precision by recall", ("recall", "precision")),
    ):
        if curves:
            series = {name: curve[key] for name, curve in curves.items()}
            drawing = line_chart(series, *axes, diagonal=key == "roc")
            drawn.append(page.chart(title, drawing))
    if not drawn:
        return ""
    notes = []
    if "calibration" in found:
        error = found["calibration"]
        notes.append(
            page.paragraph(
                "On the dashed line, of the predictions with 80% confidence "
                "80% are right. The expected calibration error is "
                f"{error['error']:.3f}; a model whose confidence is exactly "
                f"right shows {error['floor']:.3f} on as many photographs, "
                f"and up to {error['floor_95']:.3f} in 95 of 100 samples."
            )
        )
    return page.section("Curves", page.charts(*drawn), *notes)


def _calibration(found):
    curve = found["curve"]
    drawing = line_chart(
        {"model": [(p["confidence"], p["accuracy"]) for p in curve]},
        "confidence",
        "share that is right",
        diagonal=True,
        dots=True,
        bars=[(p["confidence"], *p["interval"]) for p in curve],
    )
    return page.chart("Calibration", drawing)


def _scatters(evaluation):
    kept = np.random.default_rng(0).permutation(len(evaluation.labels))
    kept = kept[:_MOST_DOTS]
    drawn = []
    for place, each in enumerate(evaluation.figures["targets"]):
        pairs = np.stack(
            [evaluation.labels[kept, place], evaluation.predicted[kept, place]],
            -1,
        )
        unit = f" ({each['unit']})" if each["unit"] else ""
        drawing = line_chart(
            {each["name"]: pairs.tolist()},
            f"true {each['name']}{unit}",
            "predicted",
            diagonal=True,
            unit_square=False,
            dots=True,
            lines=False,
        )
        drawn.append(page.chart(each["name"], drawing))
    return drawn


def _training(history, kept_epoch):
    drawn = []
    for name, title in (("loss", "Loss"), ("accuracy", "Accuracy")):
        series = {}
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history:
                series[label] = list(enumerate(map(float, history[key]), 1))
        if series:
            drawing = line_chart(
                series,
                "epoch",
                title.lower(),
                unit_square=False,
                dots=True,
                mark=kept_epoch,
            )
            drawn.append(page.chart(title, drawing))
    note = ""
    if kept_epoch is not None:
        note = page.paragraph(
            f"The dashed line marks epoch {kept_epoch}, whose weights were "
            "kept."
        )
    return page.section("Training", page.charts(*drawn), note)
