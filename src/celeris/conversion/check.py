"""Predicts by the estimator and by its conversion, and compares; invents rows for it where none are given."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from celeris.conversion.problem import ConversionError, library
from celeris.frames import table_of
from celeris.graph import edit
from celeris.graph.graph import Graph, Node
from celeris.signature import without_zipmaps

_SHOWN = 5
_ROWS = 256
_COARSE, _FEW = 0.01, 0.1  # of rows that nothing tells the scale of: a tenth of them may be off by more than this
_TREES = ("TreeEnsembleRegressor", "TreeEnsembleClassifier")
_BOOSTERS = ("lightgbm", "xgboost", "catboost")


def compare(estimator: Any, predictor: Any, X: Any, tolerance: float) -> None:
    """ConversionError where the predictor's answers on X are not the estimator's."""
    count = len(table_of(X))
    near = np.zeros(count, bool)
    for role in reversed(predictor.methods):
        expected = _answers(estimator, role, X)
        if expected is None:
            continue
        got = predictor.array(role, X)
        if role != "predict" or predictor.classes is None:
            wrong, by = _far(estimator, expected, got, tolerance)
            near = near | _ties(expected, tolerance, role)
            what, but = "results", f"others by up to {by:.3g}, relative"
        else:
            wrong = np.flatnonzero((np.asarray(expected).reshape(-1) != got.reshape(-1)) & ~near)
            what, but = f"{role}", "other labels"
        if len(wrong):
            raise _differs(estimator, what, wrong, count, but)


def compare_invented(estimator: Any, predictor: Any, tolerance: float) -> None:
    """The same on rows made up from the file's thresholds and categories. Of other models only gross errors are told:
    nothing says what rows they expect, nor how far float32 may take them. Nothing where the estimator refuses them.
    """
    booster = _library_of(estimator) in _BOOSTERS
    X, trees = invented(predictor, gaps=booster, exact=booster)
    if X is None:
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for role in predictor.methods:
                _answers(estimator, role, X)
                predictor.array(role, X)
        except Exception:  # whatever is raised at rows that no one promised to take
            return
        if trees:
            compare(estimator, predictor, X, tolerance)
            return
        for role in predictor.methods:
            expected = _answers(estimator, role, X)
            if expected is None or np.asarray(expected).dtype.kind != "f":
                continue
            wrong, by = _far(estimator, expected, predictor.array(role, X), _COARSE)
            if len(wrong) > _FEW * len(X):
                raise _differs(estimator, "results", wrong, len(X), f"others by up to {by:.3g}, relative")


def invented(predictor: Any, *, gaps: bool, exact: bool) -> tuple[Any, bool]:
    """Rows that visit both sides of the thresholds, and whether trees look at them; None where inputs hold text that
    is not known, or are no table of numbers. gaps: some are missing. exact: some are thresholds themselves."""
    graph = without_zipmaps(predictor._file).graph
    inputs, rng = predictor._signature.inputs, np.random.default_rng(0)
    width = sum(each.width or 0 for each in inputs)
    known = _categories(graph)
    if any(each.width is None or (each.element not in ("float", "double") and each.name not in known)
           for each in inputs):  # fmt: skip
        return None, False
    node = _trees(graph, {each.name for each in inputs})
    thresholds = [(np.zeros(0), False)] * width if node is None else _thresholds(node, width)
    X = np.stack([_draws(values, whole, exact, rng) for values, whole in thresholds], axis=1)
    X[rng.random(X.shape) < 0.1] = 0
    if gaps:
        X[rng.random(X.shape) < 0.1] = np.nan
    X = X.astype(np.float32 if inputs[0].element != "double" else np.float64)
    if not known:
        names = predictor.columns
        return (X if names is None else library("pandas").DataFrame(X, columns=names)), node is not None
    pandas = library("pandas")
    columns = {}
    for at, each in enumerate(inputs):
        values = known.get(each.name)
        columns[each.name] = X[:, at] if values is None else pandas.Categorical.from_codes(
            rng.integers(-1 if gaps else 0, len(values), len(X)), values)  # fmt: skip
    return pandas.DataFrame(columns), node is not None


def _draws(thresholds: np.ndarray, whole: bool, exact: bool, rng: np.random.Generator) -> np.ndarray:
    if not len(thresholds):
        return rng.normal(size=_ROWS)
    if whole:  # categories
        return rng.choice(np.append(thresholds, thresholds[-1] + 1), _ROWS)
    ends = np.array([thresholds[0] - 1 - abs(thresholds[0]), thresholds[-1] + 1 + abs(thresholds[-1])])
    between = thresholds[:-1] + np.diff(thresholds) * rng.uniform(0.25, 0.75, len(thresholds) - 1)
    return rng.choice(np.concatenate([ends, between, *([thresholds] if exact else [])]), _ROWS)


def _trees(graph: Graph, inputs: set[str]) -> Node | None:
    """The tree ensemble that looks at the inputs themselves, cast or side by side at most."""
    made = edit.producers(graph)
    found = [node for node in graph.nodes if node.op_type in _TREES]
    if len(found) != 1:
        return None
    waiting = [found[0].inputs[0]]
    while waiting:
        name = waiting.pop()
        if name in inputs:
            continue
        node = made.get(name)
        if node is None or node.op_type not in ("Cast", "Concat", "LabelEncoder", "Identity"):
            return None
        waiting.extend(node.inputs)
    return found[0]


def _thresholds(node: Node, width: int) -> list[tuple[np.ndarray, bool]]:
    """By feature, and whether it is compared for equality, as categories are."""
    values = node.attr("nodes_values_as_tensor")
    values = np.asarray(node.attr("nodes_values") if values is None else values, np.float64)
    features = np.asarray(node.attr("nodes_featureids"))
    modes = np.array([mode.decode() if isinstance(mode, bytes) else mode for mode in node.attr("nodes_modes")])
    inner = (modes != "LEAF") & (np.abs(values) < 1e30)
    inner &= (values == 0) | (np.abs(values) > 1e-30)  # LightGBM takes up to 1e-35 as zero, and splits there
    whole = (modes == "BRANCH_EQ") & (values != 0)
    return [
        (np.unique(values[inner & (features == at)]), bool((whole & (features == at)).any())) for at in range(width)
    ]


def _categories(graph: Graph) -> dict[str, list[Any]]:
    """Of inputs that a LabelEncoder numbers in the order of its keys."""
    found = {}
    for node in graph.nodes:
        if node.op_type == "LabelEncoder":
            strings, floats = node.attr("keys_strings"), node.attr("keys_floats")
            if strings is not None and len(strings):
                found[_source(graph, node)] = [s.decode() if isinstance(s, bytes) else s for s in strings]
            elif floats is not None and len(floats):
                found[_source(graph, node)] = [float(v) for v in floats]
    return found


def _source(graph: Graph, node: Node) -> str:
    producer = edit.producers(graph).get(node.inputs[0])
    return node.inputs[0] if producer is None else producer.inputs[0]


def _library_of(estimator: Any) -> str:
    return type(estimator).__module__.split(".")[0]


def _answers(estimator: Any, role: str, X: Any) -> Any:
    """The estimator's own; None where it has none of that kind."""
    if type(estimator).__name__ == "Booster":
        return _booster_answers(estimator, role, X)
    if hasattr(estimator, role):
        return np.asarray(getattr(estimator, role)(X))
    if role != "decision_function":
        return None
    final = estimator
    while hasattr(final, "steps"):
        final = final.steps[-1][1]
    raw: dict[str, dict[str, Any]] = {
        "lightgbm": {"raw_score": True}, "xgboost": {"output_margin": True},
        "catboost": {"prediction_type": "RawFormulaVal"},
    }  # fmt: skip
    return np.asarray(estimator.predict(X, **raw[_library_of(final)]))


def _booster_answers(booster: Any, role: str, X: Any) -> Any:
    """Of LightGBM and XGBoost: labels are left out, but where a booster tells nothing else."""
    if _library_of(booster) == "xgboost":
        text = hasattr(X, "columns")
        X = library("xgboost").DMatrix(
            X, enable_categorical=True, feature_names=None if text else booster.feature_names
        )
        found = np.asarray(booster.predict(X, output_margin=role == "decision_function"))
        labels = '"multi:softmax"' in booster.save_config()
    else:
        found, labels = np.asarray(booster.predict(X, raw_score=role == "decision_function")), False
    return found if labels == (role == "predict") or role == "decision_function" else None


def _ties(scores: Any, tolerance: float, role: str) -> np.ndarray:
    """Rows whose best two scores are so near that a rounding may change the label."""
    scores = np.asarray(scores, np.float64).reshape(len(scores), -1)
    if scores.shape[1] < 2:
        middle = 0.5 if role == "predict_proba" else 0.0
        return np.abs(scores[:, 0] - middle) <= tolerance
    top = np.sort(scores, axis=1)[:, -2:]
    near: np.ndarray = top[:, 1] - top[:, 0] <= 2 * tolerance
    return near


def _far(estimator: Any, expected: Any, got: np.ndarray, tolerance: float) -> tuple[np.ndarray, float]:
    """Rows that are further away than the tolerance, and how far the furthest is."""
    expected = np.asarray(expected)
    if expected.ndim == 1 and got.ndim == 2 and got.shape[1] == 2:
        got = got[:, 1]
    if expected.size != got.size:
        raise ConversionError(
            f"{type(estimator).__name__}: expected results of shape {list(expected.shape)}, got {list(got.shape)}"
        )
    wide = expected.astype(np.float64).reshape(len(expected), -1)
    other = got.astype(np.float64).reshape(wide.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(other - wide) / (1 + np.abs(wide))
    difference[(np.isnan(wide) & np.isnan(other)) | (wide == other)] = 0
    worst = np.nan_to_num(difference, nan=np.inf).max(axis=1, initial=0)
    return np.flatnonzero(worst > tolerance), float(worst.max(initial=0))


def _differs(estimator: Any, what: str, rows: np.ndarray, count: int, got: str) -> ConversionError:
    shown = ", ".join(map(str, rows[:_SHOWN].tolist())) + (", ..." if len(rows) > _SHOWN else "")
    advice = (
        "so many that, if double=True does not mend it, the converter does not know one of the estimator's settings: "
        "change that, or take another converter (skl2onnx.update_registered_converter)"
        if 2 * len(rows) > count
        else "rounding to float32 near a threshold is the usual cause: try double=True, or look at those rows and "
        "raise `tolerance` if you can live with it"
    )
    return ConversionError(
        f"{type(estimator).__name__}: expected the converted model to give the estimator's {what}, got {got}, in "
        f"{len(rows)} of {count} rows ({shown}); {advice}"
    )
