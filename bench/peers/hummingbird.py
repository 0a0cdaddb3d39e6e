"""hummingbird-ml: a model as PyTorch tensors on the CPU."""

from __future__ import annotations

import hummingbird.ml
import numpy as np
import torch

from bench.peers import Loaded, Unable
from bench.peers.estimators import estimator, is_float
from bench.zoo import Entry


def load(entry: Entry, threads: int) -> Loaded:
    model = estimator(entry, "sklearn", "lightgbm", "xgboost")
    if not is_float(entry):
        raise Unable("takes one table of numbers")
    if len(entry.onnx) > 5e6:
        raise Unable("takes minutes to convert files of more than 5 MB")
    torch.set_num_threads(threads)
    try:
        made = hummingbird.ml.convert(model, "torch", np.zeros((1, next(iter(entry.feeds.values())).shape[1])))
    except Exception as error:  # whatever it cannot convert
        raise Unable(f"does not convert it: {str(error).strip().splitlines()[0][:150]}") from error
    return Loaded(made.predict_proba if hasattr(model, "predict_proba") else made.predict)
