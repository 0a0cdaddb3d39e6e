"""Fitted estimators of scikit-learn, LightGBM, XGBoost and CatBoost as ONNX files, checked against the estimators.

`convert` makes the file: scikit-learn's by skl2onnx, and boosted trees by readers here (`lightgbm`, `xgboost`,
`catboost`) that fill the form of `boosted`, which `nodes` writes. `check` predicts both ways.
"""

from celeris.conversion.check import compare, compare_invented
from celeris.conversion.convert import convert, is_estimator
from celeris.conversion.problem import ConversionError

__all__ = ["ConversionError", "compare", "compare_invented", "convert", "is_estimator"]
