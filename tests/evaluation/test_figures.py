import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from keras_transfer.evaluation.figures import calibration
from keras_transfer.evaluation.figures import class_figures
from keras_transfer.evaluation.figures import label_figures
from keras_transfer.evaluation.figures import number_figures
from keras_transfer.evaluation.figures import wilson_interval


def draw(rows=200, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), rows)
    labels = np.array([rng.choice(classes, p=p) for p in probabilities])
    return labels, probabilities


@pytest.mark.parametrize(
    ("right", "count"), [(0, 5), (5, 5), (3, 7), (181, 200)]
)
def test_the_interval_is_scipys(right, count):
    found = wilson_interval(right / count, count)
    expected = binomtest(right, count).proportion_ci(method="wilson")
    np.testing.assert_allclose(found, tuple(expected), atol=1e-12)


def test_figures_of_classes_are_scikit_learns():
    labels, probabilities = draw()
    predicted = probabilities.argmax(-1)
    names = ["a", "b", "c"]
    found = class_figures(labels, predicted, probabilities, names)
    assert found["accuracy"] == metrics.accuracy_score(labels, predicted)
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(labels, predicted), abs=1e-15
    )
    report = metrics.classification_report(
        labels, predicted, target_names=names, output_dict=True
    )
    for each in found["classes"]:
        expected = report[each["name"]]
        assert each["precision"] == expected["precision"]
        assert each["recall"] == expected["recall"]
        assert each["f1"] == expected["f1-score"]
        assert each["support"] == expected["support"]
    expected = metrics.confusion_matrix(labels, predicted).tolist()
    assert found["confusion"] == expected
    assert "curves" not in found


def test_a_class_that_is_nowhere_has_no_figures():
    labels = np.array([0, 0, 1])
    probabilities = np.eye(3)[labels]
    found = class_figures(labels, labels, probabilities, ["a", "b", "c"])
    assert found["classes"][2]["recall"] is None
    assert found["balanced_accuracy"] == 1


def test_curves_of_two_classes_are_scikit_learns():
    labels, probabilities = draw(classes=2)
    predicted = probabilities.argmax(-1)
    found = class_figures(labels, predicted, probabilities, ["a", "b"])
    curve = found["curves"]["b"]
    scores = probabilities[:, 1]
    assert curve["roc_auc"] == metrics.roc_auc_score(labels, scores)
    assert curve["average_precision"] == metrics.average_precision_score(
        labels, scores
    )
    assert len(curve["roc"]) <= 200
    assert curve["roc"][0] == [0, 0]
    assert curve["roc"][-1] == [1, 1]


def test_figures_of_labels_are_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (50, 3))
    scores = np.clip(labels * 0.4 + rng.random((50, 3)) * 0.6, 0, 1)
    predicted = (scores >= 0.5).astype(int)
    found = label_figures(labels, predicted, scores, ["a", "b", "c"])
    assert found["accuracy"] == metrics.accuracy_score(labels, predicted)
    assert found["macro_f1"] == metrics.f1_score(
        labels, predicted, average="macro"
    )
    for column, name in enumerate("abc"):
        assert found["classes"][column]["f1"] == metrics.f1_score(
            labels[:, column], predicted[:, column]
        )
        assert found["curves"][name]["roc_auc"] == metrics.roc_auc_score(
            labels[:, column], scores[:, column]
        )


def test_figures_of_numbers_are_scikit_learns():
    rng = np.random.default_rng(0)
    true = rng.normal(40, 10, (30, 2))
    true[:, 1] = 7
    said = true + rng.normal(0, 2, (30, 2))
    found = number_figures(true, said, ["age", "same"], ["years", None])
    age, same = found["targets"]
    pair = true[:, 0], said[:, 0]
    assert age["mae"] == metrics.mean_absolute_error(*pair)
    assert age["rmse"] == metrics.root_mean_squared_error(*pair)
    assert age["r2"] == metrics.r2_score(*pair)
    assert same["r2"] is None


def test_a_perfect_model_has_the_calibration_error_of_the_floor():
    errors, floors = [], []
    for seed in range(40):
        labels, probabilities = draw(seed=seed)
        found = calibration(labels, probabilities)
        errors.append(found["error"])
        floors.append(found["floor"])
    assert np.mean(errors) == pytest.approx(np.mean(floors), rel=0.1)
    assert np.mean(floors) > 0.02


def test_a_model_that_is_too_sure_is_above_the_floor():
    labels, probabilities = draw()
    sharp = probabilities**4
    sharp /= sharp.sum(-1, keepdims=True)
    found = calibration(labels, sharp)
    assert found["error"] > 2 * found["floor_95"]


def test_the_calibration_error_is_that_of_its_definition():
    # Bins from 0.6 and from 0.9: gaps of 0.15 and 0.05, three rows and one.
    probabilities = np.array([[0.65, 0.35]] * 2 + [[0.35, 0.65], [0.95, 0.05]])
    labels = np.array([0, 1, 0, 0])
    found = calibration(labels, probabilities)
    expected = (abs(3 * 0.65 - 1) + abs(0.95 - 1)) / 4
    assert found["error"] == pytest.approx(expected)
    assert [point["count"] for point in found["curve"]] == [3, 1]
