"""XGBoost's models, of any objective, from its own JSON, as Boosted."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np

from celeris.conversion.boosted import EQ, LT, Boosted, Link, Tree, Ways
from celeris.conversion.problem import ConversionError
from celeris.records import replace

_LINKS: dict[str, Link] = {
    "binary:logistic": "sigmoid", "reg:logistic": "sigmoid", "binary:hinge": "step", "multi:softprob": "softmax",
    "multi:softmax": "softmax", "count:poisson": "exp", "reg:gamma": "exp", "reg:tweedie": "exp",
    "survival:cox": "exp", "survival:aft": "exp",
}  # fmt: skip
_LABELS = {"binary:logistic", "multi:softprob", "multi:softmax"}


def read(estimator: Any) -> Boosted:
    """An XGBModel or a Booster."""
    booster = estimator.get_booster() if hasattr(estimator, "get_booster") else estimator
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    given, objective = learner["learner_model_param"], learner["objective"]["name"]
    model = learner["gradient_booster"].get("gbtree", learner["gradient_booster"])["model"]
    targets = max(1, int(given["num_class"]), int(given["num_target"]))
    if hasattr(estimator, "classes_") and objective == "binary:logitraw":
        raise ConversionError(
            "XGBoost: expected a classifier that tells probabilities, got binary:logitraw; convert "
            "estimator.get_booster(), which gives sums"
        )
    missing = float(getattr(estimator, "missing", math.nan))
    scores = np.ravel(json.loads(given["base_score"])).tolist()
    base = [_margin(score, objective) for score in scores] * (targets if len(scores) == 1 else 1)
    boosted = Boosted(
        [], targets, base, _LINKS.get(objective, "identity"), int(given["num_feature"]), single=True,
        labels=objective in _LABELS, columns=_categories(model.get("cats") or {}), absent=missing,
        several=hasattr(estimator, "classes_") and int(given["num_target"]) > 1,
    )  # fmt: skip
    if learner["gradient_booster"]["name"] == "gblinear":
        weights = np.array(model["weights"]).reshape(boosted.features + 1, targets)
        biases = weights[-1] + base[0]  # XGBoost adds the first target's base score to all
        return replace(boosted, weights=weights[:-1].T.tolist(), base=biases.tolist())
    used, drops = _used(estimator, model), learner["gradient_booster"].get("weight_drop")  # of dart
    boosted.trees = [
        _tree(tree, int(target), float(drops[at]) if drops else 1.0, missing)
        for at, (tree, target) in enumerate(zip(model["trees"][:used], model["tree_info"][:used], strict=True))
    ]
    return boosted


def _used(estimator: Any, model: dict[str, Any]) -> int:
    """How many trees predict: up to the best iteration in the scikit-learn classes, all in a Booster."""
    bounds = model.get("iteration_indptr")
    best = None
    if hasattr(estimator, "get_booster"):
        try:
            best = int(estimator.best_iteration)
        except AttributeError:  # no early stopping
            best = None
    return len(model["trees"]) if best is None or bounds is None else int(bounds[best + 1])


def _margin(score: float, objective: str) -> float:
    """ObjFunction::ProbToMargin of XGBoost's src/objective."""
    link = _LINKS.get(objective, "identity")
    if link == "sigmoid" or objective == "binary:logitraw":
        return -math.log(1 / score - 1)
    return math.log(score) if link == "exp" else score


def _categories(cats: dict[str, Any]) -> dict[int, list[Any]]:
    """The categories of each such column of a DataFrame, as XGBoost 3.1 and later keep them."""
    found: dict[int, list[Any]] = {}
    for at, each in enumerate(cats.get("enc", ())):
        values = each["values"]
        if "offsets" in each:
            text, bounds = bytes(v % 256 for v in values), each["offsets"]
            values = [text[a:b].decode() for a, b in pairwise(bounds)]
        if values:
            found[at] = values
    return found


def _tree(given: dict[str, Any], target: int, scale: float, missing: float) -> Tree:
    tree = Tree()
    width = int(given["tree_param"]["size_leaf_vector"])
    left, right, conditions = given["left_children"], given["right_children"], given["split_conditions"]
    covers = given["sum_hessian"]
    members = {
        node: given["categories"][start : start + size]
        for node, start, size in zip(
            given["categories_nodes"], given["categories_segments"], given["categories_sizes"], strict=True
        )
    }
    waiting: list[tuple[int, Ways]] = [(0, [])]
    while waiting:
        at, came = waiting.pop()
        if left[at] == -1:
            if width > 1:  # a leaf's right child says which of the vectors is its own
                vector = given["leaf_weights"][right[at] * width : (right[at] + 1) * width]
                weights = [(k, scale * v) for k, v in enumerate(vector)]
            else:
                weights = [(target, scale * conditions[at])]
            tree.leaf(came, weights, float(covers[at]))
            continue
        feature, default = int(given["split_indices"][at]), bool(given["default_left"][at])
        below = float(covers[left[at]]), float(covers[right[at]])
        if given["split_type"][at] == 1:  # common::Decision of src/common/categorical.h: members go right
            there, here = tree.members(came, feature, members[at], not default, below[1], below[0])
        else:
            met: Ways = []
            if not math.isnan(missing) and default != (missing < conditions[at]):
                met, came = tree.split(came, EQ, feature, missing, True, sum(below))
                below = (below[0] / 2, below[1]) if default else (below[0], below[1] / 2)
            here, there = tree.split(came, LT, feature, float(conditions[at]), default, sum(below))
            here, there = (here + met, there) if default else (here, there + met)
        waiting.append((right[at], there))
        waiting.append((left[at], here))
    return tree
