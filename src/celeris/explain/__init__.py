"""Why a model predicts what it does: leaves, outputs of single trees, Shapley values, parts of linear scores."""

from celeris.explain.explainer import Explainer
from celeris.explain.explanation import Explanation

__all__ = ["Explainer", "Explanation"]
