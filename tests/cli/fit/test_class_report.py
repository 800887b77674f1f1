from keras_transfer.cli.fit.class_report import ClassFigures
from keras_transfer.cli.fit.class_report import figures_by_class


def test_precision_and_recall_are_counted_by_hand():
    labels = [0, 0, 0, 1, 1, 2]
    predicted = [0, 0, 1, 1, 2, 2]
    assert figures_by_class(labels, predicted, ["a", "b", "c"]) == [
        ClassFigures("a", 1.0, 2 / 3, 3),
        ClassFigures("b", 0.5, 0.5, 2),
        ClassFigures("c", 0.5, 1.0, 1),
    ]


def test_what_cannot_be_known_is_none():
    figures = figures_by_class([0, 0], [0, 1], ["a", "b", "c"])
    assert figures[1] == ClassFigures("b", 0.0, None, 0)
    assert figures[2] == ClassFigures("c", None, None, 0)
