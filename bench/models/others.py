"""What is not a tree ensemble: linear models, networks, kernels, neighbours, text, tables of mixed columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.models.made import ROWS, Made, iris, sklearn, table, values


def logistic() -> Made:
    from sklearn.linear_model import LogisticRegression

    return sklearn(LogisticRegression(max_iter=1000), *iris())


def logistic_zipmap() -> Made:
    from sklearn.linear_model import LogisticRegression

    return sklearn(LogisticRegression(max_iter=1000), *iris(), zipmap=True)


def scaler_logistic() -> Made:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return sklearn(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), *table(30))


def ridge() -> Made:
    from sklearn.linear_model import Ridge

    return sklearn(Ridge(), *values(50))


def mlp() -> Made:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return sklearn(make_pipeline(StandardScaler(), MLPClassifier((64, 32), max_iter=30, random_state=0)), *table(30))


def mlp_large() -> Made:
    from sklearn.neural_network import MLPClassifier

    return sklearn(MLPClassifier((512, 512, 256), max_iter=2, random_state=0), *table(100, classes=10))


def svm() -> Made:
    from sklearn.svm import SVC

    x, y = table(20)
    return sklearn(SVC(probability=True, random_state=0), x[:1000], y[:1000], fed=x)


def knn() -> Made:
    from sklearn.neighbors import KNeighborsClassifier

    x, y = table(20)
    return sklearn(KNeighborsClassifier(5), x[:2000], y[:2000], fed=x, optim="cdist")


def gaussian_process() -> Made:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF

    x, y = values(10)
    model = GaussianProcessRegressor(RBF(3.0), alpha=1.0, optimizer=None, normalize_y=True)
    return sklearn(model, x[:500], y[:500], fed=x, optim="cdist")


def pca_kmeans() -> Made:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return sklearn(make_pipeline(StandardScaler(), PCA(10), KMeans(8, n_init=1, random_state=0)), *table(50))


def text() -> Made:
    """5,000 documents of 20 words out of 2,000; in lower case, since onnxruntime needs a locale to make them so."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(2000)])
    chosen = np.minimum(rng.zipf(1.3, (ROWS // 2, 20)) - 1, len(words) - 1)
    rows = np.array([" ".join(words[each]) for each in chosen], object)
    y = ((chosen % 7 == 3).sum(axis=1) > (chosen % 5 == 1).sum(axis=1)).astype(np.int64)
    model = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression(max_iter=200)).fit(rows, y)
    onnx = to_onnx(
        model, initial_types=[("X", StringTensorType([None]))], options={"zipmap": False},
        target_opset={"": 18, "ai.onnx.ml": 3},
    )  # fmt: skip
    return Made(onnx.SerializeToString(), {"X": rows}, model.predict_proba(rows), model, (rows, y))


def columns() -> Made:
    import pandas as pd
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, ROWS).astype(np.float32),
            "fare": rng.gamma(2.0, 20.0, ROWS).astype(np.float32),
            "port": rng.choice(["Cherbourg", "Queenstown", "Southampton"], ROWS),
            "class": rng.choice(["first", "second", "third"], ROWS),
        }
    )
    y = ((frame["age"] < 35) ^ (frame["port"] == "Cherbourg") ^ (rng.random(ROWS) < 0.2)).astype(np.int64)
    numbers, words = ["age", "fare"], ["port", "class"]
    model = make_pipeline(
        ColumnTransformer([("n", StandardScaler(), numbers), ("w", OneHotEncoder(handle_unknown="ignore"), words)]),
        RandomForestClassifier(50, max_depth=6, random_state=0),
    ).fit(frame, y)
    types = [(n, FloatTensorType([None, 1])) for n in numbers] + [(w, StringTensorType([None, 1])) for w in words]
    onnx = to_onnx(model, initial_types=types, options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
    feeds: dict[str, Any] = {n: frame[[n]].to_numpy(np.float32) for n in numbers}
    feeds.update({w: frame[[w]].to_numpy(object) for w in words})
    return Made(onnx.SerializeToString(), feeds, model.predict_proba(frame), model)
