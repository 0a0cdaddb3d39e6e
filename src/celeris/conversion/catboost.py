"""CatBoost's models of numeric columns and of categories that it compares, from its own JSON, as Boosted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from celeris.conversion.boosted import EQ, LEQ, Boosted, Link, Tree, Ways
from celeris.conversion.problem import ConversionError, library
from celeris.records import Record

_CLASSES: dict[str, Link] = {
    "Logloss": "sigmoid", "CrossEntropy": "sigmoid", "MultiClass": "softmax", "MultiClassOneVsAll": "sigmoid",
}  # fmt: skip
_EXPONENT = {"Poisson", "Tweedie"}
_OTHER = {"RMSEWithUncertainty", "MultiLogloss", "MultiCrossEntropy", "LogLinQuantile", "Cox", "SurvivalAft"}


def read(estimator: Any, frame: Any) -> Boosted:
    """A CatBoostClassifier, CatBoostRegressor, CatBoostRanker or CatBoost. `frame`: rows of the training, pandas'."""
    name = type(estimator).__name__
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model = json.loads(path.read_text(encoding="utf-8"))
    features = model["features_info"]
    strange = [f"{kind} features" for kind in ("text", "embedding") if features.get(f"{kind}_features")]
    if strange:
        raise ConversionError(
            f"{name}: expected columns of numbers or categories, got {', '.join(strange)}, which ONNX has no node for; "
            "encode them in a scikit-learn pipeline before CatBoost"
        )
    if features.get("ctrs"):
        raise ConversionError(
            f"{name}: expected categories that are compared, got statistics of the target by category, which ONNX has "
            "no node for; train with one_hot_max_size of the number of categories, or encode them in a scikit-learn "
            "pipeline before CatBoost"
        )
    loss = model["model_info"]["params"]["loss_function"]["type"]
    if loss in _OTHER:
        raise ConversionError(f"{name}: expected another loss_function than '{loss}', whose predictions are not sums")
    link: Link = "identity"
    if name.endswith("Classifier"):
        if loss not in _CLASSES:
            raise ConversionError(f"{name}: expected one of {', '.join(_CLASSES)}, got loss_function '{loss}'")
        link = _CLASSES[loss]
    elif name.endswith("Regressor") and loss in _EXPONENT:
        link = "exp"
    scale, bias = model["scale_and_bias"]
    base = [float(b) for b in (bias if isinstance(bias, list) else [bias])]
    known = {
        int(each["flat_feature_index"]): _categories(model, at, frame)
        for at, each in enumerate(features.get("categorical_features", ()))
    }
    seen = _Features(features["float_features"], features.get("categorical_features", []))
    targets = len(base)
    if "oblivious_trees" in model:
        trees = [_symmetric(tree, targets, seen, float(scale)) for tree in model["oblivious_trees"]]
    else:
        trees = [_any(tree, targets, seen, float(scale)) for tree in model["trees"]]
    return Boosted(trees, targets, base, link, len(estimator.feature_names_), single=True, columns=known)


def _categories(model: dict[str, Any], at: int, frame: Any) -> list[Any]:
    """A column's categories in the order of their hashes in the model, which are all that it keeps of them.

    A copy of the model that tells only which of the hashes a row has is asked about the categories of `frame`.
    """
    features = model["features_info"]
    mine = features["categorical_features"][at]
    hashes, column = mine.get("values") or [], f"column '{mine['feature_id']}'"
    if frame is None:
        raise ConversionError(
            f"{column}: expected rows of the training as a DataFrame, since CatBoost keeps hashes of categories only; "
            "give some with every category: celeris.load(estimator, X=frame)"
        )
    place = int(mine["flat_feature_index"])
    given = frame.iloc[:, place].dropna().unique().tolist()
    if not hashes:  # never compared; one tells the column's type
        return given[:1]
    others = [{**each, "values": hashes if each is mine else []} for each in features["categorical_features"]]
    before = sum(len(each["borders"] or ()) for each in features["float_features"])
    trees = [
        {"leaf_values": [0, number], "leaf_weights": [1, 1], "splits": [
            {"cat_feature_index": at, "split_index": before + number - 1, "split_type": "OneHotFeature", "value": value}
        ]} for number, value in enumerate(hashes, 1)
    ]  # fmt: skip
    asked = {
        "features_info": {**features, "categorical_features": others},
        "oblivious_trees": trees,
        "scale_and_bias": [1, [0]],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_text(json.dumps(asked), encoding="utf-8")
        teller = library("catboost").CatBoost().load_model(str(path), format="json")
    rows = frame.iloc[[0] * len(given)].copy()
    rows.isetitem(place, given)
    told = [int(number) for number in teller.predict(rows, prediction_type="RawFormulaVal")]
    unmet = len(set(range(1, len(hashes) + 1)) - set(told))
    if unmet:
        raise ConversionError(
            f"{column}: expected rows with every category that the model compares, got none for {unmet} of "
            f"{len(hashes)}; give more rows of the training: celeris.load(estimator, X=frame)"
        )
    return [given[told.index(number)] for number in range(1, len(hashes) + 1)]


class _Features(Record):
    """How the model describes its columns of numbers and of categories."""

    numbers: list[dict[str, Any]]
    categories: list[dict[str, Any]]

    def split(self, tree: Tree, split: dict[str, Any], came: Ways, cover: float) -> tuple[Ways, Ways]:
        """A node, and the ways to what CatBoost calls left and right: right is above the border, or the category."""
        if split["split_type"] == "OneHotFeature":
            each = self.categories[split["cat_feature_index"]]
            number = float(each["values"].index(split["value"]))
            right, left = tree.split(came, EQ, each["flat_feature_index"], number, False, cover)
            return left, right
        each = self.numbers[split["float_feature_index"]]
        high = each["nan_value_treatment"] == "AsTrue"
        return tree.split(came, LEQ, each["flat_feature_index"], split["border"], not high, cover)


def _weights(values: list[float], scale: float) -> list[tuple[int, float]]:
    return [(target, scale * value) for target, value in enumerate(values)]


def _symmetric(given: dict[str, Any], targets: int, seen: _Features, scale: float) -> Tree:
    """One split a level, the last one first: its bit is the highest of a leaf's number."""
    tree = Tree()
    splits, values = given["splits"] or [], given["leaf_values"]
    covers = given.get("leaf_weights") or [1.0] * (1 << len(splits))
    waiting: list[tuple[int, int, Ways]] = [(len(splits), 0, [])]
    while waiting:
        level, first, came = waiting.pop()
        if level == 0:
            tree.leaf(came, _weights(values[first * targets : (first + 1) * targets], scale), covers[first])
            continue
        cover = float(sum(covers[first : first + (1 << level)]))
        left, right = seen.split(tree, splits[level - 1], came, cover)
        waiting.append((level - 1, first + (1 << (level - 1)), right))
        waiting.append((level - 1, first, left))
    return tree


def _any(given: dict[str, Any], targets: int, seen: _Features, scale: float) -> Tree:
    tree = Tree()
    waiting: list[tuple[dict[str, Any], Ways]] = [(given, [])]
    while waiting:
        node, came = waiting.pop()
        if "split" not in node:
            values = node["value"] if isinstance(node["value"], list) else [node["value"]]
            tree.leaf(came, _weights(values, scale), _cover(node))
            continue
        left, right = seen.split(tree, node["split"], came, _cover(node))
        waiting.append((node["right"], right))
        waiting.append((node["left"], left))
    return tree


def _cover(node: dict[str, Any]) -> float:
    return float(node["weight"]) if "split" not in node else _cover(node["left"]) + _cover(node["right"])
