"""Random operators: a seed of their own, and the process's."""

from __future__ import annotations

import numpy as np
from onnx import helper as h

import celeris
from tests import api_models as models


def drawn(session: celeris.InferenceSession) -> list[float]:
    found: list[float] = session.run(None, {})[0].tolist()
    return found


def session(**seed: float) -> celeris.InferenceSession:
    node = h.make_node("RandomUniform", [], ["y"], shape=[4], **seed)
    return celeris.InferenceSession(models.model([node], [], [models.tensor("y")]))


def test_a_seed_of_its_own() -> None:
    seeded = session(seed=3.0)
    assert drawn(seeded) == drawn(seeded) == drawn(session(seed=3.0)) != drawn(session(seed=4.0))


def test_the_seed_of_the_process() -> None:
    """From it on the same numbers come again, one draw after another."""
    free = session()
    celeris.set_seed(7)
    first, second = drawn(free), drawn(free)
    assert first != second
    celeris.set_seed(np.int64(7))
    assert [drawn(free), drawn(free)] == [first, second]
    celeris.set_seed(-1)
    assert drawn(free) != first
