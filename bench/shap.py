"""TreeSHAP beside the trainers' own: `python -m bench.shap [lightgbm xgboost] [--threads N]`; times, differences.

The models of bench/zoo.py, trained anew; 200 rows, alternating.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.models.made import table, values
from bench.sides import Report, alternate
from celeris.conversion import convert
from celeris.explain import Explainer

_ROWS = 200


def _lightgbm(threads: int) -> tuple[Any, np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    from lightgbm import LGBMClassifier

    x, y = table(50)
    model = LGBMClassifier(n_estimators=500, num_leaves=63, verbose=-1, n_jobs=2).fit(x, y)
    return model, x, lambda rows: model.predict(rows, pred_contrib=True, num_threads=threads)


def _xgboost(threads: int) -> tuple[Any, np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    from xgboost import DMatrix, XGBRegressor

    x, y = values(50)
    model = XGBRegressor(n_estimators=1000, max_depth=6, learning_rate=0.05, n_jobs=2).fit(x, y)
    booster = model.get_booster()
    booster.set_param({"nthread": threads})
    return model, x, lambda rows: booster.predict(DMatrix(rows, nthread=threads), pred_contribs=True)


MODELS = {"lightgbm": _lightgbm, "xgboost": _xgboost}


def main(arguments: list[str]) -> None:
    """A line for each model and number of threads."""
    chosen = [name for name in arguments if name in MODELS] or list(MODELS)
    counts = [int(arguments[arguments.index("--threads") + 1])] if "--threads" in arguments else [1, 2]
    report = Report("model", "threads", "rows")
    for name in chosen:
        for threads in counts:
            model, x, theirs = MODELS[name](threads)
            rows = np.ascontiguousarray(x[:_ROWS])
            explainer = Explainer(convert(model, x[:10]), threads=threads)
            report.add(name, threads, _ROWS, times=alternate(partial(explainer, rows), partial(theirs, rows), 2.0))
            got, expected = explainer(rows), np.asarray(theirs(rows), np.float64)
            size = np.abs(expected).max()
            worst = np.abs(got.contributions - expected[:, :-1]).max(axis=1)
            print(f"  largest difference {worst.max() / size:.1e} of the largest contribution {size:.3g}, "
                  f"rows beyond 1e-5: {(worst > 1e-5 * size).sum()}")  # fmt: skip
    report.close()


if __name__ == "__main__":
    main(sys.argv[1:])
