"""Estimators to ONNX files that remember what those knew: their columns' names, classes, which output is what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from celeris.conversion import catboost, lightgbm, nodes, xgboost
from celeris.conversion.boosted import Boosted
from celeris.conversion.problem import ConversionError, library
from celeris.explain.covers import remember_covers
from celeris.frames import DataError, Table, table_of
from celeris.signature import CLASSES, COLUMNS, NAN, ROLES

# Which output of ai.onnx.ml's operators is float32 whatever their inputs are.
_FLOAT_SCORES = {
    "TreeEnsembleRegressor": 0, "TreeEnsembleClassifier": 1, "LinearRegressor": 0, "LinearClassifier": 1,
    "SVMRegressor": 0, "SVMClassifier": 1, "Scaler": 0, "Normalizer": 0,
}  # fmt: skip
_BOOSTERS = ("lightgbm", "xgboost", "catboost")


def is_estimator(source: Any) -> bool:
    """Whether it is a model of a library, fitted or not."""
    return hasattr(source, "predict") or (hasattr(source, "fit") and hasattr(source, "transform"))


def convert(estimator: Any, X: Any = None, *, double: bool = False, scores: bool = False) -> bytes:
    """The bytes of an ONNX file that predicts as the estimator does.

    Args:
        estimator: Fitted, of scikit-learn, LightGBM, XGBoost or CatBoost.
        X: Rows as it was trained on; needed where columns are chosen by name or hold text.
        double: Inputs are float64, else float32.
        scores: Decision scores in the place of probabilities.

    Raises:
        ConversionError: It is not fitted, or there is no converter for it.
    """
    _require_fitted(estimator)
    table = None if X is None else table_of(X)
    if _library_of(estimator) in _BOOSTERS:
        model = _from_booster(estimator, X, table, double, scores)
    else:
        model = _from_sklearn(estimator, table, double, scores)
        remember_covers(model, estimator)
    _remember(model, estimator, table, scores)
    return bytes(model.SerializeToString())


def _require_fitted(estimator: Any) -> None:
    if not hasattr(estimator, "fit"):
        return  # a Booster
    if isinstance(estimator, type):
        raise ConversionError(f"{estimator.__name__}: expected a fitted estimator, got the class; call "
                              f"{estimator.__name__}().fit(X, y) first")  # fmt: skip
    validation = library("sklearn.utils.validation")
    try:
        validation.check_is_fitted(estimator)
    except Exception as problem:
        name = type(estimator).__name__
        if type(problem).__name__ != "NotFittedError":
            raise ConversionError(
                f"{name}: expected an estimator of scikit-learn, LightGBM, XGBoost or CatBoost, got another class"
            ) from problem
        raise ConversionError(
            f"{name}: expected a fitted estimator, got one before fit; call fit(X, y) first"
        ) from problem


def _final(estimator: Any) -> Any:
    """The last step of a pipeline, or the estimator."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


def _parts(estimator: Any) -> Iterator[Any]:
    """The estimator and those inside it."""
    yield estimator
    if hasattr(estimator, "get_params"):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit"):
                yield value


def _from_sklearn(estimator: Any, table: Table | None, double: bool, scores: bool) -> Any:
    skl2onnx = library("skl2onnx")
    _register(estimator)
    final = _final(estimator)
    options: dict[int, dict[str, Any]] = {}
    if hasattr(final, "classes_") and hasattr(final, "predict"):
        options[id(final)] = {"zipmap": False}
        if scores:
            options[id(final)]["raw_scores"] = True
    initial = _initial_types(estimator, table, double)
    try:
        try:
            made = skl2onnx.to_onnx(estimator, initial_types=initial, options=options, target_opset=nodes.OPSETS)
        except NameError as problem:  # a classifier that never makes a ZipMap has no such option
            if "'zipmap'" not in str(problem):
                raise
            del options[id(final)]["zipmap"]
            made = skl2onnx.to_onnx(estimator, initial_types=initial, options=options, target_opset=nodes.OPSETS)
        return _widened(made) if double else made
    except (DataError, ConversionError):
        raise
    except Exception as problem:
        first = str(problem).strip().split("\n")[0].rstrip(".")
        raise ConversionError(
            f"{type(estimator).__name__}: expected a convertible estimator; skl2onnx says: {first}; take another step, "
            "or register a converter with skl2onnx.update_registered_converter"
        ) from problem


def _widened(model: Any) -> Any:
    """The model, its scores cast to float64 where skl2onnx takes for float64 what operators give as float32."""
    onnx, graph = library("onnx"), model.graph
    try:
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        return model
    except onnx.shape_inference.InferenceError:  # types do not agree
        written = list(graph.node)
    del graph.node[:]
    for node in written:
        graph.node.append(node)
        at = _FLOAT_SCORES.get(node.op_type)
        if node.domain == "ai.onnx.ml" and at is not None and len(node.output) > at:
            wide, narrow = node.output[at], f"{node.output[at]}_float"
            graph.node[-1].output[at] = narrow
            cast = onnx.helper.make_node("Cast", [narrow], [wide], narrow, to=onnx.TensorProto.DOUBLE)
            graph.node.append(cast)
    return model


def _initial_types(estimator: Any, table: Table | None, double: bool) -> list[tuple[str, Any]]:
    """One input a column where columns are chosen by name or hold text; else one matrix."""
    types = library("skl2onnx.common.data_types")
    number = types.DoubleTensorType if double else types.FloatTensorType
    chooses = any(hasattr(part, "transformers") and hasattr(part, "remainder") for part in _parts(estimator))
    names = getattr(estimator, "feature_names_in_", None)
    if table is None:
        if chooses:
            raise ConversionError(
                f"{type(estimator).__name__}: expected rows to learn the columns' types from; give some: "
                "celeris.load(estimator, X=frame.head())"
            )
        return [("X", number([None, int(estimator.n_features_in_)]))]
    texts = [_holds_text(table, at) for at in range(table.width)]
    if not (chooses and names is not None) and not any(texts):
        return [("X", number([None, table.width]))]
    if table.names is None:
        if all(texts):
            return [("X", types.StringTensorType([None, table.width]))]
        raise ConversionError("X: expected named columns, got an array of text and numbers; give a DataFrame")
    return [
        (name, types.StringTensorType([None, 1]) if text else number([None, 1]))
        for name, text in zip(table.names, texts, strict=True)
    ]


def _holds_text(table: Table, at: int) -> bool:
    try:
        return table.columns([at], [False])[0].kind == "text"
    except DataError:
        return True


class _Container:
    """skl2onnx's container as a sink of nodes."""

    def __init__(self, scope: Any, container: Any) -> None:
        self._scope, self._container = scope, container

    def node(self, op_type: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> None:
        name = self._scope.get_unique_operator_name(op_type)
        versions = {**nodes.OPSETS, "": min(nodes.OPSETS[""], self._container.target_opset)}
        self._container.add_node(
            op_type, inputs, outputs, op_domain=domain, op_version=versions[domain], name=name, **attributes
        )

    def constant(self, values: np.ndarray) -> str:
        kind = library("onnx.helper").np_dtype_to_tensor_dtype(values.dtype)
        self._container.add_initializer(name := self.name(), kind, list(values.shape), values.reshape(-1).tolist())
        return name

    def name(self) -> str:
        return str(self._scope.get_unique_variable_name("boosted"))


def _register(estimator: Any) -> None:
    """Teaches skl2onnx the boosters that are met inside an estimator."""
    for part in _parts(estimator):
        if _library_of(part) not in _BOOSTERS or type(part).__name__ == "Booster":
            continue
        skl2onnx, shapes = library("skl2onnx"), library("skl2onnx.common.shape_calculator")
        if hasattr(part, "predict_proba"):
            shape = _shapes
            options = {"nocl": [True, False], "zipmap": [True, False, "columns"], "raw_scores": [True, False]}
        else:
            shape, options = shapes.calculate_linear_regressor_output_shapes, {}
        skl2onnx.update_registered_converter(
            type(part), _alias(part), shape, _inside, overwrite=True, options=options,
            parser=_parse if hasattr(part, "predict_proba") else None,
        )  # fmt: skip


def _shapes(operator: Any) -> None:
    """Those of a classifier's outputs; skl2onnx's own calculator knows one label a row."""
    library("skl2onnx.common.shape_calculator").calculate_linear_classifier_output_shapes(operator)
    boosted = _read(operator.raw_operator, None)
    if boosted.several:
        rows = operator.inputs[0].get_first_dimension()
        operator.outputs[0].type = library("skl2onnx.common.data_types").Int64TensorType([rows, boosted.targets])
        operator.outputs[1].type.shape = [rows, boosted.targets]


def _alias(part: Any) -> str:
    return f"Celeris{type(part).__name__}"


def _parse(scope: Any, part: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """A classifier's two outputs: skl2onnx does not see that CatBoost's is one, and the others need no ZipMap."""
    types = library("skl2onnx.common.data_types")
    operator = scope.declare_local_operator(_alias(part), part)
    operator.inputs = inputs
    label = types.StringTensorType if isinstance(_plain(np.ravel(part.classes_)[0]), str) else types.Int64TensorType
    for name, kind in (("label", label()), ("probabilities", types.guess_tensor_type(inputs[0].type))):
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return list(operator.outputs)


def _inside(scope: Any, operator: Any, container: Any) -> None:
    """Writes a booster that is a step of a pipeline."""
    part = operator.raw_operator
    boosted = _read(part, None)
    if boosted.columns:
        raise ConversionError(
            f"{type(part).__name__}: expected numbers from the step before, got a DataFrame's categories; encode them "
            "in the pipeline, as OrdinalEncoder does"
        )
    types = library("skl2onnx.common.data_types")
    kind = operator.inputs[0].type
    sink, X = _Container(scope, container), operator.inputs[0].full_name
    if not isinstance(kind, (types.FloatTensorType, types.DoubleTensorType)):
        sink.node("Cast", [X], [X := sink.name()], to=library("onnx").TensorProto.FLOAT)
    classes = _classes(part, boosted)
    scores = classes is not None and container.get_options(part, {"raw_scores": False}).get("raw_scores", False)
    nodes.write(boosted, sink, X, [each.full_name for each in operator.outputs], classes,
                double=isinstance(kind, types.DoubleTensorType), scores=bool(scores))  # fmt: skip


def _library_of(estimator: Any) -> str:
    return type(estimator).__module__.split(".")[0]


def _read(estimator: Any, frame: Any) -> Boosted:
    if _library_of(estimator) == "xgboost":
        return xgboost.read(estimator)
    return (lightgbm if _library_of(estimator) == "lightgbm" else catboost).read(estimator, frame)


def _classes(estimator: Any, boosted: Boosted) -> list[Any] | None:
    if hasattr(estimator, "predict_proba"):
        classes = [_plain(each) for each in np.ravel(estimator.classes_).tolist()]
        return classes if len(classes) > 1 else None
    labels = boosted.labels and type(estimator).__name__ == "Booster"
    return list(range(max(2, boosted.targets))) if labels else None


def _from_booster(estimator: Any, X: Any, table: Table | None, double: bool, scores: bool) -> Any:
    boosted = _read(estimator, X if type(X).__module__.startswith("pandas") else None)
    return nodes.model(boosted, _column_names(estimator, table), _classes(estimator, boosted), double, scores)


def _plain(value: Any) -> Any:
    """A class as Python's own type."""
    return value.item() if hasattr(value, "item") else value


def _remember(model: Any, estimator: Any, table: Table | None, scores: bool) -> None:
    onnx = library("onnx")
    found: dict[str, Any] = {}
    names = _column_names(estimator, table)
    inputs = [each.name for each in model.graph.input]
    if names is not None and len(inputs) == 1:
        found[COLUMNS] = {inputs[0]: names}
    classes = getattr(estimator, "classes_", None)
    several = len(model.graph.output[0].type.tensor_type.shape.dim) > 1  # labels of their own
    if isinstance(classes, np.ndarray) and classes.ndim == 1 and len(model.graph.output) > 1 and not several:
        found[CLASSES] = classes.tolist()
    found[NAN] = _lets_nan_through(estimator)
    found[ROLES] = _roles(estimator, [each.name for each in model.graph.output], scores)
    kept = {each.key: each.value for each in model.metadata_props}
    onnx.helper.set_model_props(model, {**kept, **{key: json.dumps(value) for key, value in found.items() if value}})


def _lets_nan_through(estimator: Any) -> bool:
    """Whether NaN gives NaN by the estimator's own wish; of a pipeline its graph tells more."""
    if not hasattr(estimator, "__sklearn_tags__") or hasattr(estimator, "steps"):
        return False
    return bool(library("sklearn.utils").get_tags(estimator).input_tags.allow_nan)


def _column_names(estimator: Any, table: Table | None) -> list[str] | None:
    names = _own_names(estimator)
    given = None if table is None else table.names
    if names is None or (given is not None and [name.replace(" ", "_") for name in given] == names):
        return given  # LightGBM writes '_' for ' '
    return names


def _own_names(estimator: Any) -> list[str] | None:
    for attribute in ("feature_names_in_", "feature_names_"):
        names = getattr(estimator, attribute, None)
        if names is not None and len(names) and not _invented(list(names)):
            return [str(name) for name in names]
    if type(estimator).__name__ == "Booster":
        names = (
            estimator.feature_name() if callable(getattr(estimator, "feature_name", None)) else estimator.feature_names
        )
        if names and not _invented(names):
            return [str(name) for name in names]
    return None


def _invented(names: list[Any]) -> bool:
    """Whether the trainer made them up for an array."""
    return any(list(map(str, names)) == [f"{start}{at}" for at in range(len(names))] for start in ("", "Column_"))


def _roles(estimator: Any, outputs: list[str], scores: bool) -> dict[str, str]:
    if len(outputs) < 2:
        return {"predict" if hasattr(estimator, "predict") else "transform": outputs[0]}
    if _library_of(_final(estimator)) in _BOOSTERS:
        return {"predict": outputs[0], "decision_function" if scores else "predict_proba": outputs[1]}
    candidates = ["predict_proba"] * (not scores) + ["decision_function", "transform"]
    second = next((role for role in candidates if hasattr(estimator, role)), "transform")
    return {"predict": outputs[0], second: outputs[1]}
