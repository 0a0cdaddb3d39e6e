"""load() and Predictor: predictions for tables and rows of every kind, in kind."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from celeris.batching import Batcher, Turns
from celeris.errors import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf
from celeris.feeding import Feeder
from celeris.frames import faults
from celeris.frames.table import DataError, Table
from celeris.graph.graph import Model
from celeris.graph.types import Tensor
from celeris.loading import LoadedModel
from celeris.options import SessionOptions
from celeris.signature import Signature, reaching, signature_of, without_zipmaps

_ROLES = {
    "predict": "labels or values",
    "predict_proba": "probabilities",
    "decision_function": "decision scores",
    "transform": "transformed columns",
}


class Predictor:
    """A model ready for tables and rows: `celeris.load('model.onnx').predict(frame)`.

    X is a NumPy array, a pandas, polars or Arrow table (columns by name, in any order), a list of dicts, or one dict
    for one row. Results come back in kind: arrays for arrays; Series and DataFrames with the caller's index for pandas;
    polars and Arrow likewise; lists for lists of dicts, one value for one dict.

    A table that does not fit is a DataError that names the column, the row, and the fix; AttributeError where the model
    has no such output. Calls may come from several threads at once. A predictor can be pickled.
    """

    def __init__(self, model: LoadedModel, file: Model, signature: Signature, settings: dict[str, Any]) -> None:
        self._file = file  # the model as it is in its file, ZipMaps and all
        self._model, self._signature, self._settings = model, signature, settings
        self._program = model._program
        self._core = self._program.core
        self._threads = model.threads
        self._turns = Turns()
        self._feeder = Feeder(signature, extra=settings["extra"])

    # What it is.

    @property
    def columns(self) -> list[str] | None:
        """The names of the columns it takes, in the order in which it was trained; None where the model has none."""
        return None if self._signature.names is None else list(self._signature.names)

    @property
    def classes(self) -> np.ndarray | None:
        """The class labels, in the order of the probabilities; None where the model is no classifier."""
        return None if self._signature.classes is None else np.array(self._signature.classes)

    @property
    def width(self) -> int | None:
        """How many columns it takes; None where the model does not say."""
        return self._signature.width

    def width_of(self, method: str) -> int | None:
        """How many columns the method's output has; None where the model does not say."""
        graph = self._model._model.graph
        type_ = graph.types.get(graph.outputs[self._role(method)])
        last = type_.shape[-1] if isinstance(type_, Tensor) and type_.shape else None
        return last if isinstance(last, int) else None

    @property
    def outputs(self) -> list[str]:
        """The names of what `run` can give."""
        return list(self._signature.outputs)

    @property
    def methods(self) -> list[str]:
        """Which of predict, predict_proba, decision_function and transform the model has outputs for."""
        return [role for role in _ROLES if role in self._signature.roles]

    def __repr__(self) -> str:
        width = self._signature.width
        return f"<celeris.Predictor: {'any' if width is None else width} columns -> {', '.join(self.methods)}>"

    # What it does.

    def array(self, method: str, X: Any) -> np.ndarray:
        """What `predict`, `predict_proba`, ... answer, as an array whatever X is."""
        values, _ = self._values(X, self._role(method))
        return self._shaped(method, values)

    def predict(self, X: Any) -> Any:
        """Labels of a classifier, values of a regression: [N], or [N, targets]."""
        at = self._role("predict")
        if type(X) is dict:
            values = self._shaped("predict", self._one(X, at))
            return values[0].tolist() if values.ndim == 2 else values.item(0)
        values, table = self._values(X, at)
        values = self._shaped("predict", values)
        if table is None:
            result: Any = values.tolist()
        elif values.ndim == 1:
            result = table.series(values, "prediction")
        else:
            result = table.frame(values, _numbered("prediction", values))
        return result

    def predict_proba(self, X: Any) -> Any:
        """Probabilities [N, classes], float32 or the model's float64; for one dict a dict from class to probability."""
        at = self._role("predict_proba")
        return self._by_class(X, at)

    def decision_function(self, X: Any) -> Any:
        """Decision scores: [N] for two classes, else [N, classes]."""
        at = self._role("decision_function")
        if type(X) is dict:
            scores = self._shaped("decision_function", self._one(X, at))
            return scores.item(0) if scores.ndim == 1 else self._named(scores)[0]
        values, table = self._values(X, at)
        values = self._shaped("decision_function", values)
        if table is None:
            return values.tolist() if values.ndim == 1 else self._named(values)
        return (
            table.series(values, "score")
            if values.ndim == 1
            else table.frame(values, self._class_names(values.shape[1]))
        )

    def transform(self, X: Any) -> Any:
        """Transformed columns [N, columns]."""
        at = self._role("transform")
        if type(X) is dict:
            return self._one(X, at)[0].tolist()
        values, table = self._values(X, at)
        return values.tolist() if table is None else table.frame(values, _numbered("x", values))

    def run(self, X: Any, outputs: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """The model's own outputs by name, as arrays; probabilities are [N, classes] where the file has a ZipMap."""
        names = self._signature.outputs if outputs is None else list(outputs)
        for name in names:
            if name not in self._signature.outputs:
                raise DataError(f"outputs: expected names among {self._signature.outputs}, got '{name}'")
        values, _ = self._run(X, [self._signature.outputs.index(name) for name in names])
        return dict(zip(names, values, strict=True))

    # The same for asyncio: the event loop waits for a row that is quick, and never for a table.

    async def apredict(self, X: Any) -> Any:
        """`predict` without blocking the event loop."""
        return await self._turns.ask(self.predict, X)

    async def apredict_proba(self, X: Any) -> Any:
        """`predict_proba` without blocking the event loop."""
        return await self._turns.ask(self.predict_proba, X)

    async def adecision_function(self, X: Any) -> Any:
        """`decision_function` without blocking the event loop."""
        return await self._turns.ask(self.decision_function, X)

    async def atransform(self, X: Any) -> Any:
        """`transform` without blocking the event loop."""
        return await self._turns.ask(self.transform, X)

    def batched(self, *, rows: int = 64, delay: float = 0.001, waiting: int = 4096) -> Batcher:
        """Concurrent single rows together: `async with predictor.batched() as batch: await batch.apredict(row)`.

        A batch leaves when it has so many `rows`, or when its first row has waited `delay` seconds. When so many rows
        are `waiting`, more of them wait to be taken.
        """
        return Batcher(self, rows=rows, delay=delay, waiting=waiting)

    # Inside.

    def _role(self, role: str) -> int:
        at = self._signature.roles.get(role)
        if at is None:
            have = ", ".join(self.methods) or "run"
            raise AttributeError(f"{role}: the model has no output of {_ROLES[role]}; it has {have}")
        return at

    def _one(self, X: dict[str, Any], at: int) -> np.ndarray:
        """One output for one dict, in one native call where the dict is as it should be."""
        records = self._feeder.plain_records
        if records is not None:
            try:
                found: Any = records.answer(X, self._core, at, self._threads)
            except Exception as problem:
                raise self._explained(problem) from problem
            if type(found) is np.ndarray:
                return found
        result: np.ndarray = self._execute(self._feeder.records(X), [at])[0]
        return result

    def _values(self, X: Any, at: int) -> tuple[np.ndarray, Table | None]:
        values, table = self._run(X, [at])
        return values[0], table

    def _run(self, X: Any, wanted: list[int]) -> tuple[list[Any], Table | None]:
        feeds, check, table = self._feeder.feeds(X)
        return self._execute(feeds, wanted, check), table

    def _execute(self, feeds: list[Any], wanted: list[int], check: Callable[[], None] | None = None) -> list[Any]:
        try:
            result: list[Any] = self._core.run(feeds, wanted, self._threads, None)
        except Exception as problem:
            if check is not None:
                check()  # a value that did not fit says more than the node that stumbled over it
            raise self._explained(problem) from problem
        if check is not None:
            check()
        return result

    def _explained(self, problem: Exception) -> Exception:
        """A node's failure with the columns that feed it."""
        from celeris.interpret import NodeError

        if not isinstance(problem, NodeError):
            return problem
        inputs = reaching(self._file.graph, problem.name, problem.op_type)
        return faults.node(problem.op_type, problem.name, problem.text, inputs)

    def _shaped(self, method: str, values: np.ndarray) -> np.ndarray:
        """Values as scikit-learn shapes them, labels of the type that the trained classes had."""
        classes = self._signature.classes or []
        if method == "predict":
            if classes and isinstance(classes[0], bool) and values.dtype == np.int64:
                values = values.astype(bool)  # converters know labels that are integers or text
            return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        if method == "decision_function" and values.ndim == 2:
            two = len(classes) == 2 and values.shape[1] == 2
            at = self._signature.score_column if two else 0
            return np.ascontiguousarray(values[:, at]) if two or values.shape[1] == 1 else values
        return values.reshape(-1, 1) if method == "predict_proba" and values.ndim == 1 else values

    def _by_class(self, X: Any, at: int) -> Any:
        if type(X) is dict:
            row = self._one(X, at).reshape(-1).tolist()
            return dict(zip(self._class_names(len(row)), row, strict=True))
        values, table = self._values(X, at)
        values = self._shaped("predict_proba", values)
        return self._named(values) if table is None else table.frame(values, self._class_names(values.shape[1]))

    def _class_names(self, count: int) -> list[Any]:
        classes = self._signature.classes
        return classes if classes is not None and len(classes) == count else list(range(count))

    def _named(self, values: np.ndarray) -> list[dict[Any, float]]:
        names = self._class_names(values.shape[1])
        return [dict(zip(names, row, strict=True)) for row in values.tolist()]

    def __reduce__(self) -> tuple[Any, ...]:
        from celeris.writer import write

        return _restore, (write(self._file), self._settings)


def load(
    source: Any,
    *,
    X: Any = None,
    double: bool = False,
    scores: bool = False,
    tolerance: float = 1e-4,
    columns: Sequence[str] | None = None,
    extra: Literal["ignore", "refuse"] = "ignore",
    missing: Literal["auto", "allow", "refuse"] = "auto",
    missing_text: str | None = None,
    threads: int = 0,
) -> Predictor:
    """A predictor from an ONNX file (path or bytes), or from a fitted estimator, which is converted.

    Args:
        source: A path, bytes, or a fitted estimator of scikit-learn, LightGBM, XGBoost or CatBoost.
        X: For an estimator: rows as it was trained on. They tell the types of columns, and the conversion is checked
            on them.
        double: For an estimator: inputs stay float64.
        scores: For an estimator: decision scores in the place of probabilities.
        tolerance: For an estimator: how far the conversion's results may be from its own.
        columns: Names of the columns, for a file that has none.
        extra: Columns that the model does not know are ignored, or refused.
        missing: NaN is refused where the model has no route for it ('auto'), let through ('allow'), or refused always.
        missing_text: What a missing text was called in training; None takes it from the model's categories.
        threads: How many may work on a call; 0 for as many as the process may use.

    Raises:
        NoSuchFile: There is no such file.
        InvalidProtobuf: What is there is no ONNX model; the message says what it is.
        ConversionError: The estimator is not fitted, has no converter, or its conversion predicts something else.
    """
    for name, value, known in (
        ("extra", extra, ("ignore", "refuse")),
        ("missing", missing, ("auto", "allow", "refuse")),
    ):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(map(repr, known))}, got {value!r}")
    if threads < 0:
        raise ValueError(f"threads: expected 0 (as many as the process may use) or more, got {threads}")
    settings = {
        "columns": columns,
        "extra": extra,
        "missing": missing,
        "missing_text": missing_text,
        "threads": threads,
    }
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)):
        return _open(source, settings)
    from celeris.conversion import ConversionError, compare, compare_invented, convert, is_estimator

    if not is_estimator(source):
        raise TypeError(f"load: expected a path, bytes or a fitted estimator, got {type(source).__name__}")
    file = convert(source, X, double=double, scores=scores)
    try:
        made = _open(file, settings)
    except (InvalidProtobuf, InvalidGraph, Fail, InvalidArgument) as problem:
        raise ConversionError(
            f"{type(source).__name__}: expected a valid file of its converter, got {problem}; try double="
            f"{not double}, or another converter (skl2onnx.update_registered_converter)"
        ) from problem
    if X is None:
        compare_invented(source, made, tolerance)
    else:
        compare(source, made, X, tolerance)
    return made


def _open(source: Any, settings: dict[str, Any]) -> Predictor:
    options = SessionOptions()
    options.intra_op_num_threads = settings["threads"]
    is_path = isinstance(source, (str, os.PathLike))
    try:
        model = LoadedModel(options, os.fspath(source) if is_path else bytes(source), is_path)
    except (InvalidProtobuf, InvalidGraph, Fail, InvalidArgument) as problem:
        raise _explained_file(source, is_path, problem) from problem
    file = model._model
    chosen = {name: settings[name] for name in ("columns", "missing", "missing_text")}
    signature = signature_of(file, **chosen)
    model._model = without_zipmaps(file)
    model.initialize_session(["CPUExecutionProvider"], [{}], set())
    return Predictor(model, file, signature, settings)


def _explained_file(source: Any, is_path: bool, problem: Exception) -> Exception:
    """The problem in the words of this face, and the fix where one is known."""
    where = f"'{os.fspath(source)}'" if is_path else "load"
    if is_path and os.path.isdir(source):
        return type(problem)(f"{where}: expected an ONNX model, got a folder; give the file in it")
    kind = re.search(r"protobuf\. \((got .*)\)$|failed\. \((got .*)\)$", str(problem))
    if kind is not None:
        return type(problem)(f"{where}: expected an ONNX model, {kind[1] or kind[2]}")
    fix = next((fix for sign, fix in _FIXES if sign in str(problem)), None)
    return problem if fix is None else type(problem)(f"{str(problem).rstrip('.')}; {fix}")


_FIXES = (  # a sign in onnxruntime's text of what is wrong with a file, and the fix
    ("Unsupported model IR version", "convert it again with an older onnx, or set model.ir_version = 10 and save it"),
    ("is under development", "convert it again for an older opset (target_opset=18), or update Celeris"),
    ("No Op registered for", "misspelt, or of another opset than the file declares: convert it again"),
    ("No opset import for domain", "add the domain to the model's opset_import"),
    ("is not a registered function/op", "Celeris runs no operators of one's own: write it as a function of the model"),
    ("External data path does not exist", "put that file beside the model, or save the model with its tensors inside"),
    ("External data path escapes", "save the model with its tensors in its own folder, or inside"),
)


def _restore(file: bytes, settings: dict[str, Any]) -> Predictor:
    return _open(file, settings)


def _numbered(word: str, values: np.ndarray) -> list[str]:
    return [f"{word}{at}" for at in range(values.shape[1])]
