"""CatBoost's models of numeric columns, from its own JSON, as Boosted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from celeris.conversion.boosted import LEQ, Boosted, Link, Tree, Ways
from celeris.conversion.problem import ConversionError

_CLASSES: dict[str, Link] = {
    "Logloss": "sigmoid", "CrossEntropy": "sigmoid", "MultiClass": "softmax", "MultiClassOneVsAll": "sigmoid",
}  # fmt: skip
_EXPONENT = {"Poisson", "Tweedie"}
_OTHER = {"RMSEWithUncertainty", "MultiLogloss", "MultiCrossEntropy", "LogLinQuantile", "Cox", "SurvivalAft"}


def read(estimator: Any) -> Boosted:
    """A CatBoostClassifier, CatBoostRegressor, CatBoostRanker or CatBoost."""
    name = type(estimator).__name__
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model = json.loads(path.read_text(encoding="utf-8"))
    features = model["features_info"]
    strange = [f"{kind} features" for kind in ("categorical", "text", "embedding") if features.get(f"{kind}_features")]
    if strange:
        raise ConversionError(
            f"{name}: expected numeric columns, got {', '.join(strange)}, whose hashes ONNX has no node for; encode "
            "them in a scikit-learn pipeline before CatBoost"
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
    floats = features["float_features"]
    columns = [int(each["flat_feature_index"]) for each in floats]
    high = [each["nan_value_treatment"] == "AsTrue" for each in floats]
    targets = len(base)
    if "oblivious_trees" in model:
        trees = [_symmetric(tree, targets, columns, high, float(scale)) for tree in model["oblivious_trees"]]
    else:
        trees = [_any(tree, targets, columns, high, float(scale)) for tree in model["trees"]]
    return Boosted(trees, targets, base, link, len(estimator.feature_names_), single=True)


def _weights(values: list[float], scale: float) -> list[tuple[int, float]]:
    return [(target, scale * value) for target, value in enumerate(values)]


def _symmetric(given: dict[str, Any], targets: int, columns: list[int], high: list[bool], scale: float) -> Tree:
    """One split a level, the last one first: its bit is the highest of a leaf's number. True is x > border."""
    tree = Tree()
    splits, values = given["splits"] or [], given["leaf_values"]
    covers = given.get("leaf_weights") or [1.0] * (1 << len(splits))
    waiting: list[tuple[int, int, Ways]] = [(len(splits), 0, [])]
    while waiting:
        level, first, came = waiting.pop()
        if level == 0:
            tree.leaf(came, _weights(values[first * targets : (first + 1) * targets], scale), covers[first])
            continue
        split, cover = splits[level - 1], float(sum(covers[first : first + (1 << level)]))
        index = split["float_feature_index"]
        low, above = tree.split(came, LEQ, columns[index], split["border"], not high[index], cover)
        waiting.append((level - 1, first + (1 << (level - 1)), above))
        waiting.append((level - 1, first, low))
    return tree


def _any(given: dict[str, Any], targets: int, columns: list[int], high: list[bool], scale: float) -> Tree:
    tree = Tree()
    waiting: list[tuple[dict[str, Any], Ways]] = [(given, [])]
    while waiting:
        node, came = waiting.pop()
        if "split" not in node:
            values = node["value"] if isinstance(node["value"], list) else [node["value"]]
            tree.leaf(came, _weights(values, scale), _cover(node))
            continue
        index = node["split"]["float_feature_index"]
        low, above = tree.split(came, LEQ, columns[index], node["split"]["border"], not high[index], _cover(node))
        waiting.append((node["right"], above))
        waiting.append((node["left"], low))
    return tree


def _cover(node: dict[str, Any]) -> float:
    return float(node["weight"]) if "split" not in node else _cover(node["left"]) + _cover(node["right"])
