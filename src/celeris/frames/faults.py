"""What is said of tables that do not fit a model: the column, what was expected, what came, and the fix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celeris.frames.table import DataError

_SHOWN = 8


def listed(names: Sequence[str]) -> str:
    """Up to a few names, quoted."""
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return f"{shown}, and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def absent(missing: Sequence[str], has: Sequence[str], wanted: Sequence[str]) -> DataError:
    """Columns of the model that a table has not; a likely misspelling is named."""
    import difflib  # for mistakes only: it takes long to import

    spare = [name for name in has if name not in set(wanted)]
    lower = {name.lower().strip(): name for name in spare}
    lines = []
    for name in missing[:_SHOWN]:
        near = difflib.get_close_matches(name.lower(), list(lower), 1, 0.6)
        lines.append(f"column '{name}'" + (f" (is it '{lower[near[0]]}'? then rename that)" if near else ""))
    more = f", and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    got = f"columns {listed(list(has))}" if has else "no columns"
    return DataError(
        f"X: expected {', '.join(lines)}{more}; got {got}; give the columns that the model was trained on, in any order"
    )


def extra(names: Sequence[str]) -> DataError:
    """Columns that the model does not know, where those are refused."""
    return DataError(
        f"X: expected only columns of the model, got {listed(names)} besides; drop them, or load with extra='ignore'"
    )


def wrong_width(got: int, expected: int, wanted: Sequence[str] | None) -> DataError:
    """Columns without names, too few or too many."""
    names = f" ({listed(wanted)})" if wanted else ""
    return DataError(
        f"X: expected {expected} columns{names}, as the model was trained on, got {got}; give those, in that order"
    )


def wrong_kind(name: str, text: bool, got: str) -> DataError:
    """Text for numbers or the other way round."""
    if text:
        return DataError(f"{name}: expected text, as the model was trained on, got {got}; make it text as in training")
    fix = "convert it to numbers, or encode it as in training"
    return DataError(f"{name}: expected numbers or booleans, got {'text' if got in ('str', 'string') else got}; {fix}")


_VALUES = {
    "missing": ("a whole number", "a missing value", "fill it before, or train and convert with a float input"),
    "not whole": ("a whole number", "a fraction", "round it, or convert the model with a float input"),
    "too large": ("a value that the model's type can hold", "one beyond it", "check the column's values"),
    "missing text": ("text", "a missing value", "fill it before, or load with missing_text='...'"),
    "nan": (
        "a number",
        "NaN",
        "the model has no route for missing values: fill it before, or load with missing='allow' to let NaN through",
    ),
}


def value(name: str, row: int, reason: str, element: str) -> DataError:
    """One value that has no place in the model's input."""
    expected, got, fix = _VALUES[reason]
    if element == "bool" and reason != "nan":
        expected = "true or false"
    return DataError(f"{name}, row {row}: expected {expected}, got {got}; {fix}")


def node(op_type: str, name: str, text: str, columns: Sequence[str]) -> DataError:
    """A node that failed on the values of these columns."""
    where = f"column '{columns[0]}'" if len(columns) == 1 else f"columns {listed(columns)}" if columns else "X"
    fix = ""
    if op_type in ("OneHotEncoder", "OrdinalEncoder", "LabelEncoder", "CategoryMapper"):
        fix = "; give only categories seen in training, or train the encoder to take others (handle_unknown='ignore')"
    return DataError(f"{where}: {op_type} node '{name}': {text}{fix}")


def record(problem: str, row: int, name: str | None, rows: Any, names: Sequence[str], text: bool) -> DataError:
    """A dict that does not fit. `rows` is the dict, or the list of them."""
    one = isinstance(rows, dict)
    where = "X" if one else f"X[{row}]"
    got = rows if one else rows[row]
    if problem == "not a dict":
        return DataError(f"{where}: expected a dict, as the rows before it, got {type(got).__name__}")
    if problem == "extra":
        return extra([str(key) for key in got if key not in set(names)])
    if problem == "absent":
        error = absent([n for n in names if n not in got], [str(key) for key in got], names)
        return DataError(str(error).replace("X:", f"{where}:", 1))
    kind = "text" if text else "a number"
    found = got[name]
    if problem == "missing":
        fix = "fill it" if text else "the model has no place for a missing value: fill it"
        return DataError(f"{where}['{name}']: expected {kind}, got {found!r}; {fix}")
    fix = "make it text as in training" if text else "convert it, or encode it as in training"
    if hasattr(found, "__len__") and not isinstance(found, str):
        fix = "one dict is one row; for whole columns use a table such as pandas.DataFrame(X)"
    return DataError(f"{where}['{name}']: expected {kind}, got {found!r}; {fix}")
