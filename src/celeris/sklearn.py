"""scikit-learn citizens: CelerisClassifier, CelerisRegressor, CelerisTransformer.

Each is made of a `model`. An ONNX file (path or bytes) or a Predictor stays as it is: `fit` only checks its input. An
estimator is trained by `fit`, converted and checked, and from then on it predicts by Celeris.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from celeris.conversion import is_estimator
from celeris.predictor import Predictor, load

_CHECKED_ROWS = 1000  # how many training rows the conversion is checked on


def _gives(method: str) -> Any:
    """Makes a method exist where the model has such an output."""

    def check(self: _Citizen) -> bool:
        predictor = self._predictor()
        if predictor is not None:
            return method in predictor.methods
        if method in ("predict_proba", "decision_function") and self.scores != (method == "decision_function"):
            return False
        return hasattr(self.model, method)

    return available_if(check)


class _Citizen(BaseEstimator):  # type: ignore[misc]
    """What the three have in common."""

    def __init__(
        self,
        model: Any = None,
        *,
        scores: bool = False,
        double: bool = False,
        tolerance: float = 1e-3,
        missing: str = "auto",
        missing_text: str | None = None,
        threads: int = 0,
    ) -> None:
        self.model = model
        self.scores = scores
        self.double = double
        self.tolerance = tolerance
        self.missing = missing
        self.missing_text = missing_text
        self.threads = threads

    def _settings(self) -> dict[str, Any]:
        return {"missing": self.missing, "missing_text": self.missing_text, "threads": self.threads}

    def _trains(self) -> bool:
        """Whether `fit` trains: the model is an estimator and no file."""
        if self.model is None:
            raise ValueError(f"{type(self).__name__}: expected model=..., an ONNX file or an estimator, got None")
        return not isinstance(self.model, Predictor) and is_estimator(self.model)

    def _predictor(self) -> Predictor | None:
        """The model ready to run: after `fit`, or of a file, or of an estimator that came fitted. None before."""
        if "predictor_" in vars(self):
            made: Predictor = self.predictor_
            return made
        if self.model is None:
            return None
        if not self._trains():
            loaded = self.model if isinstance(self.model, Predictor) else load(self.model, **self._settings())
        else:
            try:
                check_is_fitted(self.model)
            except (NotFittedError, TypeError):
                return None
            loaded = load(self.model, scores=self.scores, double=self.double, **self._settings())
        self._adopt(loaded)
        return loaded

    def _adopt(self, predictor: Predictor) -> None:
        self.predictor_ = predictor
        if "n_features_in_" not in vars(self) and predictor.width is not None:
            self.n_features_in_ = predictor.width

    def __sklearn_is_fitted__(self) -> bool:
        return self._predictor() is not None

    def _checked(self, X: Any, y: Any = "no_validation", *, reset: bool) -> Any:
        """X and y as scikit-learn wants them checked. Tables keep their columns as they are."""
        if hasattr(X, "columns") or hasattr(X, "__arrow_c_stream__"):
            found = validate_data(self, X, y, reset=reset, skip_check_array=True)
        else:
            finite = "allow-nan" if get_tags(self).input_tags.allow_nan else True
            found = validate_data(self, X, y, reset=reset, dtype=None, ensure_all_finite=finite)
        return found

    def _fit(self, X: Any, y: Any = None, **parameters: Any) -> None:
        self.__dict__.pop("predictor_", None)
        targets = () if y is None else (y,)
        if not self._trains():
            loaded = self.model if isinstance(self.model, Predictor) else load(self.model, **self._settings())
            self._adopt(loaded)
            return
        self.estimator_ = clone(self.model).fit(X, *targets, **parameters)
        rows = X[:_CHECKED_ROWS]
        self._adopt(
            load(
                self.estimator_, X=rows, scores=self.scores, double=self.double, tolerance=self.tolerance,
                **self._settings(),
            )
        )  # fmt: skip

    def _answer(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        predictor = self._predictor()
        assert predictor is not None
        if "estimator_" in vars(self):
            X = self._checked(X, reset=False)
        return predictor.array(method, X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.model is not None and self._trains():
            inner = get_tags(self.model)
            tags.input_tags.allow_nan = inner.input_tags.allow_nan
            tags.non_deterministic = inner.non_deterministic
        else:
            tags.input_tags.allow_nan = True  # the model decides
        tags.input_tags.sparse = False
        tags.input_tags.string = True
        return tags


class CelerisClassifier(ClassifierMixin, _Citizen):  # type: ignore[misc]
    """A classifier that predicts by Celeris: `CelerisClassifier('model.onnx')`, `CelerisClassifier(SVC()).fit(X, y)`.

    scores: `decision_function` in the place of `predict_proba`. double: inputs stay float64. tolerance: how far
    results may be from the estimator's on its training rows. missing, missing_text, threads: as for `celeris.load`.
    """

    def fit(self, X: Any, y: Any, **parameters: Any) -> Self:
        """Trains the estimator and converts it; only checks the input where the model is a file."""
        X, y = self._checked(X, y, reset=True)
        check_classification_targets(y)
        y = np.asarray(y)
        self.classes_ = np.unique(y)
        if self._trains() and y.dtype.kind == "f":  # converters know labels that are integers or text
            y = np.searchsorted(self.classes_, y)
        self._fit(X, y, **parameters)
        return self

    classes_: np.ndarray | None

    def _adopt(self, predictor: Predictor) -> None:
        super()._adopt(predictor)
        if "classes_" not in vars(self) or not self._trains():
            self.classes_ = predictor.classes

    def predict(self, X: Any) -> np.ndarray:
        """The label of each row."""
        labels = self._answer("predict", X)
        if self.classes_ is None or labels.dtype == self.classes_.dtype:
            return labels
        if self.classes_.dtype.kind == "f":
            found: np.ndarray = self.classes_[labels]
            return found
        return labels.astype(self.classes_.dtype)

    @_gives("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`."""
        return self._answer("predict_proba", X)

    @_gives("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> np.ndarray:
        """Decision scores: one a row for two classes, else one a class."""
        return self._answer("decision_function", X)


class CelerisRegressor(RegressorMixin, _Citizen):  # type: ignore[misc]
    """A regressor that predicts by Celeris. Parameters as for CelerisClassifier."""

    def fit(self, X: Any, y: Any, **parameters: Any) -> Self:
        """Trains the estimator and converts it; only checks the input where the model is a file."""
        X, y = self._checked(X, y, reset=True)
        self._fit(X, y, **parameters)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The value of each row."""
        return self._answer("predict", X)


class CelerisTransformer(TransformerMixin, _Citizen):  # type: ignore[misc]
    """A transformer that runs by Celeris. Parameters as for CelerisClassifier."""

    def fit(self, X: Any, y: Any = None, **parameters: Any) -> Self:
        """Trains the estimator and converts it; only checks the input where the model is a file."""
        if y is None:
            X = self._checked(X, reset=True)
        else:
            X, y = self._checked(X, y, reset=True)
        self._fit(X, y, **parameters)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The transformed columns; `set_output` chooses their container."""
        return self._answer("transform", X)

    @property
    def _n_features_out(self) -> int | None:
        predictor = self._predictor()
        return None if predictor is None else predictor.width_of("transform")

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The estimator's own names, where it has them."""
        check_is_fitted(self)
        source = vars(self).get("estimator_", self.model)
        if hasattr(source, "get_feature_names_out"):
            names: np.ndarray = source.get_feature_names_out(input_features)
            return names
        return np.array([f"x{at}" for at in range(self._n_features_out or 0)], object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"] if self.double else []
        return tags
