"""Reports: what agrees passes; what differs is named with its cause, row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from celeris.conversion import convert
from celeris.validation import Report, validate
from celeris.validation.compare import ValidationError


def _forest(x: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(10, max_depth=6, random_state=0).fit(x, y)


def _table(rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] > 0).astype(np.int64)


def test_a_faithful_conversion_passes() -> None:
    x, y = _table()
    model = _forest(x, y)
    report = validate(convert(model, x), x, model)
    assert report.passed and report.labels == 0 and report.over == 0
    assert report.rows == 300 and report.worst == []
    assert report.text().startswith("PASS: 300 rows, tolerance 1e-05\n")


def test_rounding_at_a_threshold_is_named_with_tree_and_node() -> None:
    """The thresholds of training lie between float64 values that float32 does not tell apart."""
    from sklearn.tree import DecisionTreeRegressor

    class Exact(DecisionTreeRegressor):  # type: ignore[misc]
        """Predicts in float64, where scikit-learn would round."""

        def predict(self, X: Any, check_input: bool = True) -> np.ndarray:
            return np.where(np.asarray(X, np.float64)[:, 0] <= self.tree_.threshold[0], 10.0, 20.0)

    x = np.array([[1.0], [2.0]])
    model = DecisionTreeRegressor().fit(x, [10.0, 20.0])
    file = convert(model, x)
    rows = np.array([[1.0], [1.5 + 1e-9], [2.0]])
    report = validate(file, rows, Exact().fit(x, [10.0, 20.0]).predict(rows))
    assert not report.passed and report.over == 1
    [row] = report.worst
    assert (row.row, row.expected, row.got) == (1, 20.0, 10.0)
    assert row.cause == "float32 rounding at a threshold"
    assert row.detail.startswith("tree 0, node 0: ") and row.detail.endswith("= 1.5, as its threshold")
    assert "double=True" in report.fixes[row.cause]


def test_infinite_values_are_far_from_thresholds() -> None:
    x, y = _table()
    model = _forest(x, y)
    rows = x[:3].copy()
    rows[1] = [np.inf, -np.inf, np.inf, 0]
    scores = model.predict_proba(x[:3])
    scores[1] = [3, -2]
    assert validate(convert(model, x), rows, {"scores": scores}).worst[0].cause == "unexplained"


def test_a_missing_value_without_a_route_is_named() -> None:
    x, y = _table()
    model = _forest(x, y)
    rows = x[:5].copy()
    rows[3] = np.nan
    expected = {"scores": model.predict_proba(x[:5])}
    report = validate(convert(model, x), rows, expected)
    assert [w.row for w in report.worst] == [3]
    assert report.worst[0].cause == "missing-value route"


def test_an_unseen_category_is_named() -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"port": ["a", "b", "c"] * 20, "fare": np.arange(60.0)})
    y = (frame["port"] == "a").astype(int)
    encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["port"]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression(max_iter=500)).fit(frame, y)
    rows = frame.head(4).copy()
    expected = {"scores": model.predict_proba(rows)}
    rows.loc[2, "port"] = "Q"
    report = validate(convert(model, frame), rows, expected)
    found = {w.row: (w.cause, w.detail) for w in report.worst}
    assert found[2] == ("unseen category", "column 'port': 'Q' was not met in training")


def test_sums_and_what_is_not_explained() -> None:
    x, y = _table()
    model = _forest(x, y)
    scores = model.predict_proba(x)
    scores[0] += 5e-5
    scores[1] = scores[1, ::-1] + 0.3
    report = validate(convert(model, x), x, {"labels": model.predict(x), "scores": scores})
    causes = {w.row: w.cause for w in report.worst}
    assert causes == {0: "float32 rounding of sums", 1: "unexplained"}
    assert report.worst[0].row == 1
    assert validate(convert(model, x), x, {"scores": scores}, tolerance=10).passed


def test_labels_alone() -> None:
    x, y = _table()
    model = _forest(x, y)
    labels = model.predict(x)
    labels[7] = 1 - labels[7]
    report = validate(convert(model, x), x, labels)
    assert report.labels == 1 and not report.passed
    assert (report.worst[0].row, report.worst[0].expected, report.worst[0].got) == (7, labels[7], 1 - labels[7])
    assert report.worst[0].cause == "unexplained"


def test_labels_of_another_type_are_named() -> None:
    x, y = _table()
    model = _forest(x, y)
    report = validate(convert(model, x), x, model.predict(x).astype(str))
    assert report.labels == 300 and set(report.causes) == {"labels of another type"}
    assert report.worst[0].detail == f"expected '{y[0]}' (str), got {y[0]} (int)"


@pytest.mark.parametrize("kind", [pd.DataFrame, np.asarray])
def test_an_input_that_float32_does_not_hold_is_named(kind: Any) -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    times = 1.6e12 + np.arange(200.0)
    rows = kind(pd.DataFrame({"time": times, "v": np.arange(200.0) % 7}))
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(rows, times % 1000)
    report = validate(convert(model, rows), rows, model)
    assert not report.passed and set(report.causes) == {"an input that float32 does not hold"}
    name = "time" if kind is pd.DataFrame else 0
    first = report.worst[0]
    assert first.detail == f"column '{name}': {times[first.row].item()!r} becomes 1599999967232.0"


def test_shapes_that_do_not_fit_are_refused() -> None:
    x, y = _table()
    file = convert(_forest(x, y), x)
    with pytest.raises(ValidationError, match=r"expected scores of shape \[300, 2\]"):
        validate(file, x, np.zeros((300, 3)))
    with pytest.raises(ValidationError, match="expected 'labels' and 'scores', got p0"):
        validate(file, x, {"p0": y})
    with pytest.raises(ValidationError, match="expected 300 rows"):
        validate(file, x, {"labels": y[:5]})


@pytest.fixture(scope="module")
def failing() -> Report:
    x, y = _table()
    model = _forest(x, y)
    scores = model.predict_proba(x)
    scores[5] += 0.25
    return validate(convert(model, x), x, {"scores": scores})


@pytest.mark.parametrize("ending", ["txt", "json", "html", "png", "svg"])
def test_reports_as_files(failing: Report, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report.{ending}"
    failing.save(path)
    content = path.read_bytes()
    if ending == "json":
        found = json.loads(content)
        assert found["passed"] is False and found["worst"][0]["row"] == 5
    elif ending == "html":
        text = content.decode()
        assert "<svg" in text and 'class="fail"' in text and "http-equiv" not in text
        assert "src=" not in text
    elif ending == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert b"tolerance" in content


def test_a_report_has_known_endings_only(failing: Report, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in .txt, .json, .html, .png, .svg"):
        failing.save(tmp_path / "report.doc")
