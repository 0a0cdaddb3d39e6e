"""LightGBM's models, of any objective, as Boosted."""

from __future__ import annotations

import math
from typing import Any

from celeris.conversion.boosted import EQ, LEQ, Boosted, Link, Tree, Ways
from celeris.conversion.problem import ConversionError

_LINKS: dict[str, Link] = {
    "binary": "sigmoid", "multiclass": "softmax", "multiclassova": "sigmoid", "cross_entropy": "sigmoid",
    "cross_entropy_lambda": "softplus", "poisson": "exp", "gamma": "exp", "tweedie": "exp",
}  # fmt: skip
_IDENTITY = {
    "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "",
}  # fmt: skip


def read(estimator: Any, frame: Any) -> Boosted:
    """An LGBMModel or a Booster. `frame`: rows of the training, where they are pandas'."""
    booster = getattr(estimator, "booster_", estimator)
    dump = booster.dump_model()
    words = str(dump.get("objective", "")).split()
    objective, settings = (words or [""])[0], dict(word.split(":", 1) for word in words[1:] if ":" in word)
    if objective not in _IDENTITY and objective not in _LINKS:
        raise ConversionError(f"LightGBM: expected an objective that is known here, got '{objective}'")
    if objective == "" and hasattr(estimator, "classes_"):
        raise ConversionError(
            "LightGBM: expected a classifier with an objective of LightGBM's own, got a custom one, which tells no "
            "probabilities; convert estimator.booster_, which gives sums"
        )
    link = _LINKS.get(objective, "square" if "sqrt" in words else "identity")
    scale = float(settings.get("sigmoid", 1.0)) if link == "sigmoid" else 1.0
    targets = int(dump["num_tree_per_iteration"])
    if dump["average_output"]:  # random forests
        scale *= targets / max(1, len(dump["tree_info"]))
    trees = [_tree(info, at % targets) for at, info in enumerate(dump["tree_info"])]
    return Boosted(
        trees, targets, [0.0] * targets, link, int(dump["max_feature_idx"]) + 1, single=False, scale=scale,
        labels=objective in ("binary", "multiclass", "multiclassova"), columns=_categories(dump, frame),
    )  # fmt: skip


def _categories(dump: dict[str, Any], frame: Any) -> dict[int, list[Any]]:
    """Which columns LightGBM numbers, and how; it keeps the lists, but not whose they are."""
    lists = dump.get("pandas_categorical") or []
    if not lists:
        return {}
    if frame is not None:
        at = [at for at, dtype in enumerate(frame.dtypes) if str(dtype) == "category"]
    else:
        infos = dump["feature_infos"]
        at = [at for at, name in enumerate(dump["feature_names"]) if infos.get(name, {}).get("values")]
    if len(at) != len(lists):
        raise ConversionError(
            f"LightGBM: expected {len(lists)} columns of categories, as in training, got {len(at)}; give rows of the "
            "training as a DataFrame: celeris.load(estimator, X=frame.head())"
        )
    return dict(zip(at, lists, strict=True))


def _tree(info: dict[str, Any], target: int) -> Tree:
    tree = Tree()
    waiting: list[tuple[dict[str, Any], Ways]] = [(info["tree_structure"], [])]
    while waiting:
        node, came = waiting.pop()
        if "leaf_coeff" in node:
            raise ConversionError(
                "LightGBM: expected leaves of one value, got linear_tree, which ONNX has no node for; train without it"
            )
        if "split_feature" not in node:
            tree.leaf(came, [(target, float(node["leaf_value"]))], float(node.get("leaf_count", 1)))
            continue
        left, right = _branches(tree, node, came)
        waiting.append((node["right_child"], right))
        waiting.append((node["left_child"], left))
    return tree


def _branches(tree: Tree, node: dict[str, Any], came: Ways) -> tuple[Ways, Ways]:
    """Tree::NumericalDecision and CategoricalDecision of LightGBM's include/LightGBM/tree.h."""
    feature, covers = int(node["split_feature"]), [_cover(node[side]) for side in ("left_child", "right_child")]
    if node["decision_type"] == "==":
        members = [float(member) for member in str(node["threshold"]).split("||")]
        return tree.members(came, feature, members, False, *covers)
    threshold, kind = float(node["threshold"]), node["missing_type"]
    threshold = math.inf if threshold >= 1e300 else threshold  # what a dump says for inf
    left = bool(node["default_left"]) if kind != "None" else threshold >= 0  # NaN is 0 where none was in training
    if kind != "Zero" or left == (threshold >= 0):
        return tree.split(came, LEQ, feature, threshold, left, sum(covers))
    # Zeros go where NaN goes, and not where the threshold would send them. Those that go so are taken as half of all.
    met, came = tree.split(came, EQ, feature, 0.0, True, sum(covers))
    yes, no = tree.split(came, LEQ, feature, threshold, left, sum(covers) - covers[not left] / 2)
    return (met + yes, no) if left else (yes, met + no)


def _cover(node: dict[str, Any]) -> float:
    return float(node.get("internal_count", node.get("leaf_count", 1)))
