"""Labels that are probably wrong, and photographs unlike all others."""

import warnings

import numpy as np

_FOLDS = 5
_NEIGHBORS = 5
_FENCE = 3.0  # Interquartile ranges: Tukey's "far out".
_LEAST = 20


def check_cleanlab() -> None:
    """Raises where what finds wrong labels is not installed.

    Raises:
        ImportError: With the extra to install.
    """
    try:
        import cleanlab  # noqa: F401
    except ImportError:
        raise ImportError(
            "Wrong labels are found by cleanlab, which is not installed. "
            'Install the extra: pip install "keras-transfer[audit]"'
        ) from None


def out_of_fold(
    features: np.ndarray, labels: np.ndarray, seed: int = 0
) -> np.ndarray | None:
    """Returns what a head says of each photograph that it did not learn.

    Args:
        features: Vectors of the frozen part, of shape `(rows, size)`.
        labels: Class numbers from 0.
        seed: Number that decides the folds.

    Returns:
        Probabilities of shape `(rows, classes)`; `None` where a class has
        too few photographs to be divided.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = np.bincount(labels)
    folds = min(_FOLDS, int(counts[counts > 0].min()))
    if folds < 2 or (counts > 0).sum() < 2:
        return None
    head = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.003, max_iter=300)
    )
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Stopped early, it ranks photographs all the same.
        warnings.simplefilter("ignore")
        return cross_val_predict(
            head, features, labels, cv=split, method="predict_proba"
        )


def wrong_labels(
    features: np.ndarray, labels: np.ndarray, seed: int = 0
) -> dict[int, tuple[int, float]]:
    """Returns photographs whose label is probably wrong, likeliest first.

    Args:
        features: As for `out_of_fold`.
        labels: Class numbers.
        seed: As for `out_of_fold`.

    Returns:
        Rows, each with the class that is more likely and the probability of
        the given one, out of fold.

    Reference: [Northcutt et al., 2021](https://arxiv.org/abs/1911.00068)
    """
    from cleanlab.filter import find_label_issues

    known, numbers = np.unique(labels, return_inverse=True)
    probabilities = out_of_fold(features, numbers, seed)
    if probabilities is None:
        return {}
    rows = find_label_issues(
        numbers,
        probabilities,
        filter_by="prune_by_noise_rate",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return {
        int(row): (
            int(known[probabilities[row].argmax()]),
            float(probabilities[row, numbers[row]]),
        )
        for row in rows
    }


def outliers(features: np.ndarray) -> dict[int, float]:
    """Returns photographs unlike all others, farthest first.

    Those whose mean cosine distance to their nearest five is beyond Tukey's
    outer fence.

    Args:
        features: Vectors of the frozen part, of shape `(rows, size)`.

    Returns:
        Rows, each with that distance.
    """
    if len(features) < _LEAST:
        return {}
    unit = features / np.maximum(
        np.linalg.norm(features, axis=1, keepdims=True), 1e-12
    )
    distances = np.empty(len(unit))
    for start in range(0, len(unit), 512):
        rows = slice(start, start + 512)
        likeness = unit[rows] @ unit.T
        own = np.arange(len(likeness))
        likeness[own, own + start] = -np.inf
        nearest = np.partition(likeness, -_NEIGHBORS, axis=1)[:, -_NEIGHBORS:]
        distances[rows] = 1 - nearest.mean(1)
    low, high = np.quantile(distances, [0.25, 0.75])
    order = np.argsort(-distances, kind="stable")
    fence = high + _FENCE * (high - low)
    return {int(i): float(distances[i]) for i in order if distances[i] > fence}
