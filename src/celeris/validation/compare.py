"""validate(): the answers of a model file beside a fitted estimator's, or beside predictions that were kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from celeris.conversion import is_estimator
from celeris.predictor import Predictor, load
from celeris.validation.causes import FIXES, LABEL, Causes
from celeris.validation.report import Report, RowDifference

_LOOKED_INTO = 100  # of the rows that differ, the worst first
_QUANTILES = {"median": 0.5, "90 of 100 rows": 0.9, "99 of 100 rows": 0.99, "999 of 1,000 rows": 0.999}


class ValidationError(ValueError):
    """What is to be compared does not fit together, and why."""


def validate(model: Any, X: Any, against: Any, *, tolerance: float = 1e-5) -> Report:
    """A report of how the model's answers on X differ from those expected.

    Args:
        model: A path, bytes or Predictor.
        X: N rows, in whatever a Predictor takes.
        against: A fitted estimator; or a mapping with 'labels' [N] and 'scores' [N, classes], either of which may be
            left out; or an array of labels or values [N], or of scores [N, classes].
        tolerance: The largest relative difference, `|got - expected| / (1 + |expected|)`, that passes.

    Raises:
        ValidationError: What is to be compared does not fit together.
    """
    predictor = model if isinstance(model, Predictor) else load(model)
    labels, scores = _expected(predictor, X, against)
    got_labels = None if labels is None else np.asarray(predictor.predict(X)).reshape(-1)
    got_scores = None if scores is None else _scores(predictor, X, scores)
    rows = len(labels if labels is not None else scores if scores is not None else ())
    difference = np.zeros(rows) if scores is None or got_scores is None else _difference(scores, got_scores)
    wrong = np.zeros(rows, bool)
    if labels is not None and got_labels is not None:
        if len(got_labels) != rows:
            raise ValidationError(f"against: expected {len(got_labels)} rows, as many as X has, got {rows}")
        wrong = np.array([a != b for a, b in zip(_comparable(labels), _comparable(got_labels), strict=True)], bool)
    over = difference > tolerance
    ties = wrong & ~over & _tied(scores, tolerance, rows)
    size = np.where(wrong & ~ties, np.inf, difference)
    order = np.argsort(-size, kind="stable")
    look = [int(r) for r in order[: min(_LOOKED_INTO, rows)] if over[r] or wrong[r]]
    causes = Causes(predictor, X) if look else None
    worst = [
        RowDifference(
            row,
            labels[row] if wrong[row] and labels is not None else _cell(scores, row),
            got_labels[row] if wrong[row] and got_labels is not None else _cell(got_scores, row),
            float(difference[row]),
            *(_retyped(labels, got_labels, row) or causes.of(row, float(size[row]))),
        )
        for row in look
        if causes is not None
    ]
    counts: dict[str, int] = {}
    for each in worst:
        counts[each.cause] = counts.get(each.cause, 0) + 1
    quantiles = {n: float(np.quantile(difference, q, method="higher")) for n, q in _QUANTILES.items()} if rows else {}
    return Report(
        rows, tolerance, float(difference.max(initial=0)), quantiles, int(over.sum()),
        None if labels is None else int(wrong.sum()), int(ties.sum()), worst, counts,
        {cause: FIXES[cause] for cause in counts}, difference,
    )  # fmt: skip


def _expected(predictor: Predictor, X: Any, against: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Labels [N] and scores [N] or [N, C] to compare with, in the forms in which the model has them."""
    classifies = predictor._signature.classes is not None or "predict_proba" in predictor.methods
    if is_estimator(against):
        return _asked(against, predictor, X, classifies)
    if isinstance(against, Mapping):
        unknown = set(against) - {"labels", "scores"}
        if unknown or not against:
            raise ValidationError(f"against: expected 'labels' and 'scores', got {', '.join(map(str, against))}")
        labels, scores = against.get("labels"), against.get("scores")
        return (None if labels is None else np.asarray(labels).reshape(-1),
                None if scores is None else np.asarray(scores, np.float64))  # fmt: skip
    values = np.asarray(against)
    if classifies and (values.ndim == 1 or values.shape[1] == 1):
        return values.reshape(-1), None
    return None, values.astype(np.float64)


def _asked(
    estimator: Any, predictor: Predictor, X: Any, classifies: bool
) -> tuple[np.ndarray | None, np.ndarray | None]:
    rows = X.to_pandas() if hasattr(X, "to_pandas") else X
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and hasattr(rows, "columns"):
        rows = rows[list(names)]
    elif hasattr(rows, "to_numpy") and type(estimator).__name__ != "Pipeline":
        rows = rows.to_numpy()
    if not classifies:
        return None, np.asarray(estimator.predict(rows), np.float64)
    labels = np.asarray(estimator.predict(rows)).reshape(-1)
    for role in ("predict_proba", "decision_function"):
        if role in predictor.methods and hasattr(estimator, role):
            return labels, np.asarray(getattr(estimator, role)(rows), np.float64)
    return labels, None


def _scores(predictor: Predictor, X: Any, expected: np.ndarray) -> np.ndarray:
    """The model's scores in the form of those expected."""
    role = next((r for r in ("predict_proba", "decision_function") if r in predictor.methods), "predict")
    got = np.asarray(getattr(predictor, role)(X), np.float64)
    if got.ndim == 2 and got.shape[1] == 2 and (expected.ndim == 1 or expected.shape[1] == 1):
        got = got[:, 1:]
    if got.ndim != expected.ndim and got.size == expected.size:
        got = got.reshape(expected.shape)
    if got.shape != expected.shape:
        raise ValidationError(f"against: expected scores of shape {list(got.shape)}, as the model's, got "
                              f"{list(expected.shape)}")  # fmt: skip
    return got


def _difference(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Each row's largest relative difference; where only one is NaN or infinite, it is infinite."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(got - expected) / (1 + np.abs(expected))
    difference[(got == expected) | (np.isnan(got) & np.isnan(expected))] = 0
    difference = np.where(np.isnan(difference), np.inf, difference)
    return np.asarray(difference.reshape(len(difference), -1).max(axis=1, initial=0))


def _comparable(labels: np.ndarray) -> list[Any]:
    """Labels as Python values: 1, 1.0 and True are one label, '1' is another."""
    return labels.tolist()


def _retyped(expected: np.ndarray | None, got: np.ndarray | None, row: int) -> tuple[str, str] | None:
    """The cause where labels are the same but for their type."""
    if expected is None or got is None:
        return None
    [one], [other] = _comparable(expected[row : row + 1]), _comparable(got[row : row + 1])
    if one == other or str(one) != str(other):
        return None
    return LABEL, f"expected {one!r} ({type(one).__name__}), got {other!r} ({type(other).__name__})"


def _tied(scores: np.ndarray | None, tolerance: float, rows: int) -> np.ndarray:
    """Rows whose two best scores are so near that a rounding may change the label."""
    if scores is None:
        return np.zeros(rows, bool)
    if scores.ndim == 1 or scores.shape[1] < 2:
        flat = scores.reshape(rows)
        return np.minimum(np.abs(flat), np.abs(flat - 0.5)) <= tolerance
    top = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0] <= 2 * tolerance)


def _cell(scores: np.ndarray | None, row: int) -> Any:
    return None if scores is None else scores[row].tolist()
