"""How the columns of a file become those of a model: by name, by a map, or in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from celeris.cli.errors import UsageError
from celeris.frames import faults
from celeris.predictor import Predictor
from celeris.records import Record


class Wanted(Record, frozen=True):
    """What the command line says of columns: model column -> file column, and those passed through."""

    mapping: Mapping[str, str]
    keep: Sequence[str]


class Layout(Record, frozen=True):
    """Positions in the file of the model's columns, in the model's order, and of those passed through."""

    features: list[int]
    names: list[str]  # of the features, in the file
    called: list[str]  # of the features, in the model
    elements: list[str]  # what each is read as: float, double, int64, int32, bool, string
    keep: list[int]
    keep_names: list[str]


def resolve(predictor: Predictor, has: Sequence[str], named: bool, wanted: Wanted, where: str) -> Layout:
    """The layout of a file with these columns. `named` is False where the file does not name them."""
    keep = [_position(has, name, f"{where}: --keep") for name in wanted.keep]
    columns = predictor.columns
    _check_map(columns, wanted.mapping)
    others = [at for at in range(len(has)) if at not in keep]
    if columns is None:
        if predictor.width is not None and predictor.width != len(others):
            raise UsageError(
                f"{where}: expected {predictor.width} columns for the model, got {len(others)}"
                f"{' besides those of --keep' if keep else ''}; choose with --columns NAME,NAME,..."
            )
        features = others
    elif (not named or not set(has).intersection(columns)) and not wanted.mapping and len(others) == len(columns):
        features = others  # no name of the model's is there: in order
    elif not named:
        raise UsageError(f"{where}: expected {len(columns)} columns, as the model takes, got {len(others)}")
    else:
        taken = [wanted.mapping.get(name, name) for name in columns]
        missing = [name for name in taken if name not in has]
        if missing:
            text = str(faults.absent(missing, has, taken)).removeprefix("X: ")
            raise UsageError(f"{where}: {text}, or say --map MODEL_COLUMN=FILE_COLUMN")
        features = [_position(has, name, where) for name in taken]
    names = [has[at] if named else str(at + 1) for at in features]
    called = columns if columns is not None else names
    return Layout(features, names, called, _elements(predictor, len(features)), keep, list(wanted.keep))


def _check_map(columns: Sequence[str] | None, mapping: Mapping[str, str]) -> None:
    for name in mapping:
        if columns is None:
            raise UsageError("--map: the model does not name its columns; say --columns NAME,NAME,... in its order")
        if name not in columns:
            raise UsageError(f"--map: expected a column of the model ({faults.listed(columns)}), got '{name}'")


def _position(has: Sequence[str], name: str, where: str) -> int:
    if has.count(name) != 1:
        got = f"{has.count(name)} of that name" if name in has else faults.listed(list(has)) or "none"
        raise UsageError(f"{where}: expected one column '{name}', got {got}")
    return list(has).index(name)


def _elements(predictor: Predictor, count: int) -> list[str]:
    found: list[str] = []
    for each in predictor._signature.inputs:
        found += [each.read_as] * (count - len(found) if each.width is None else each.width)
    return found
