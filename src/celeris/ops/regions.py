"""Rectangles of an image: pooling each to a grid of one size, and choosing among overlapping ones."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np

from celeris.graph.types import Tensor, Type
from celeris.ops import shapes
from celeris.ops.precision import narrow, widen
from celeris.ops.table import Facts, Op


def _round(values: np.ndarray) -> np.ndarray:
    """Halves away from zero, as C's round does."""
    return np.asarray(np.copysign(np.floor(np.abs(values) + 0.5), values), np.int64)


def _batch(where: str, index: int, size: int) -> int:
    if not 0 <= index < size:
        raise ValueError(f"{where}: expected batch indices from 0 to {size - 1}, got {index}")
    return index


def MaxRoiPool(X: np.ndarray, rois: np.ndarray, *, pooled_shape: Seq[int], spatial_scale: float = 1.0) -> np.ndarray:
    """Y [R,C,*pooled] = the maximum of each cell of each region [batch, x1, y1, x2, y2]. Source: MaxRoiPool-22.

    X is [N,C,H,W]; corners are scaled and rounded, and belong to the region. An empty cell is 0.
    """
    if X.ndim != 4 or rois.ndim != 2 or rois.shape[1] != 5 or len(pooled_shape) != 2 or min(pooled_shape) < 1:
        raise ValueError(f"MaxRoiPool: expected X [N,C,H,W] and rois [R,5], got {X.shape} and {rois.shape}")
    height, width = X.shape[2:]
    rows, columns = (int(n) for n in pooled_shape)
    wide = widen(X)
    y = np.zeros((len(rois), X.shape[1], rows, columns), wide.dtype)
    scale = widen(rois).dtype.type(spatial_scale)
    for r, roi in enumerate(widen(rois)):
        image = wide[_batch("MaxRoiPool", int(roi[0]), len(X))]
        x1, y1, x2, y2 = (int(v) for v in _round(roi[1:] * scale))
        y_cuts = _cells(y1, y2, rows, height)
        x_cuts = _cells(x1, x2, columns, width)
        for i, (top, bottom) in enumerate(y_cuts):
            for j, (left, right) in enumerate(x_cuts):
                if top < bottom and left < right:
                    y[r, :, i, j] = image[:, top:bottom, left:right].max(axis=(1, 2))
    return narrow(y, X.dtype)


def _cells(first: int, last: int, count: int, size: int) -> list[tuple[int, int]]:
    step = np.float32(max(last - first + 1, 1)) / np.float32(count)
    at = np.arange(count, dtype=np.float32)
    starts = np.clip(np.floor(at * step).astype(int) + first, 0, size)
    ends = np.clip(np.ceil((at + 1) * step).astype(int) + first, 0, size)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _taps(points: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The pixels before and after each point of an axis, and their weights: 0 more than a pixel outside."""
    outside = (points < -1) | (points > size)
    at = np.clip(points, 0, None)
    low = np.minimum(np.floor(at).astype(np.intp), size - 1)
    high = np.minimum(low + 1, size - 1)
    share = np.where(low >= size - 1, 0, at - low).astype(points.dtype)
    inside = np.where(outside, 0, 1).astype(points.dtype)
    return low, high, (1 - share) * inside, share * inside


def RoiAlign(
    X: np.ndarray,
    rois: np.ndarray,
    batch_indices: np.ndarray,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> np.ndarray:
    """Y [R,C,oh,ow] = the mean (or maximum) of points between pixels in each cell of each region [x1, y1, x2, y2].

    The maximum is over the weighted pixels around the points, as onnxruntime and ONNX's cases have it.
    Source: ai.onnx RoiAlign-22; Mask R-CNN, arXiv:1703.06870.
    """
    if X.ndim != 4 or rois.ndim != 2 or rois.shape[1] != 4 or batch_indices.shape != (len(rois),):
        raise ValueError(f"RoiAlign: expected X [N,C,H,W], rois [R,4] and R indices, got {X.shape}, {rois.shape}")
    if mode not in ("avg", "max"):
        raise ValueError(f"RoiAlign: expected mode avg or max, got {mode!r}")
    if coordinate_transformation_mode not in ("half_pixel", "output_half_pixel"):
        raise ValueError(f"RoiAlign: expected half_pixel or output_half_pixel, got {coordinate_transformation_mode!r}")
    half = coordinate_transformation_mode == "half_pixel"
    wide, boxes = widen(X), widen(rois)
    y = np.zeros((len(rois), X.shape[1], output_height, output_width), wide.dtype)
    for r, box in enumerate(boxes):
        image = wide[_batch("RoiAlign", int(batch_indices[r]), len(X))]
        x1, y1, x2, y2 = box * boxes.dtype.type(spatial_scale) - boxes.dtype.type(0.5 if half else 0)
        ys = _points(y1, y2, output_height, sampling_ratio, half)
        xs = _points(x1, x2, output_width, sampling_ratio, half)
        y[r] = _aligned(image, ys, xs, mode)
    return narrow(y, X.dtype)


def _points(first: np.floating, last: np.floating, count: int, ratio: int, half: bool) -> np.ndarray:
    """The sample points of an axis: [count, samples a cell]."""
    length = last - first if half else max(last - first, first.dtype.type(1))
    cell = length / first.dtype.type(count)
    samples = ratio if ratio > 0 else int(np.ceil(cell))
    inner = (np.arange(samples, dtype=first.dtype) + first.dtype.type(0.5)) * cell / first.dtype.type(max(samples, 1))
    return np.asarray(first + np.arange(count, dtype=first.dtype)[:, None] * cell + inner)


def _aligned(image: np.ndarray, ys: np.ndarray, xs: np.ndarray, mode: str) -> np.ndarray:
    """image [C,H,W] at the points ys [oh,a] and xs [ow,b] -> [C,oh,ow]."""
    shape = (len(image), len(ys), ys.shape[1], len(xs), xs.shape[1])
    if 0 in shape or 0 in image.shape:
        return np.zeros((len(image), len(ys), len(xs)), image.dtype)
    y_low, y_high, y_first, y_second = _taps(ys.ravel(), image.shape[1])
    x_low, x_high, x_first, x_second = _taps(xs.ravel(), image.shape[2])
    corners = [
        (image[:, rows][:, :, columns] * (a[:, None] * b)).reshape(shape)
        for rows, a in ((y_low, y_first), (y_high, y_second))
        for columns, b in ((x_low, x_first), (x_high, x_second))
    ]
    if mode == "max":
        return np.asarray(np.maximum.reduce(corners).max(axis=(2, 4)))
    return np.asarray((corners[0] + corners[1] + corners[2] + corners[3]).mean(axis=(2, 4)))


def RoiAlign_10(
    X: np.ndarray,
    rois: np.ndarray,
    batch_indices: np.ndarray,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> np.ndarray:
    """RoiAlign without the shift by half a pixel. Source: ai.onnx RoiAlign-10."""
    return RoiAlign(
        X, rois, batch_indices, coordinate_transformation_mode="output_half_pixel", mode=mode,
        output_height=output_height, output_width=output_width, sampling_ratio=sampling_ratio,
        spatial_scale=spatial_scale,
    )  # fmt: skip


def _corners(boxes: np.ndarray, center_point_box: int) -> np.ndarray:
    """Boxes [N,4] as corners y1, x1, y2, x2 in ascending order."""
    if center_point_box:
        x, y, width, height = (boxes[:, i] for i in range(4))
        return np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, high], axis=1)


def _overlaps(box: np.ndarray, others: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """The intersection over the union of one box with others; 0 where either has no area."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.where((sides > 0).all(axis=1), sides[:, 0] * sides[:, 1], 0)
    area = (box[2] - box[0]) * (box[3] - box[1])
    union = area + areas - shared
    real = (area > 0) & (areas > 0) & (union > 0)
    return np.where(real, shared / np.where(real, union, 1), 0)


def _kept(corners: np.ndarray, scores: np.ndarray, most: int, overlap: float, least: float | None) -> list[int]:
    """The best boxes of one class, none overlapping a better one by more than `overlap`; of equals the first."""
    left = np.argsort(-scores, kind="stable")
    if least is not None:
        left = left[scores[left] > least]
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    chosen: list[int] = []
    while left.size and len(chosen) < most:
        chosen.append(int(left[0]))
        left = left[1:]
        left = left[_overlaps(corners[chosen[-1]], corners[left], areas[left]) <= overlap]
    return chosen


def _only(value: np.ndarray | None, default: float | None) -> float | None:
    return default if value is None else float(value.reshape(-1)[0])


def NonMaxSuppression(
    boxes: np.ndarray,
    scores: np.ndarray,
    max_output_boxes_per_class: np.ndarray | None = None,
    iou_threshold: np.ndarray | None = None,
    score_threshold: np.ndarray | None = None,
    *,
    center_point_box: int = 0,
) -> np.ndarray:
    """The boxes [B,N,4] of scores [B,C,N] that better ones leave: i64 [n,3]. Source: NonMaxSuppression-11.

    Each is told by batch, class and box.
    """
    if boxes.ndim != 3 or scores.ndim != 3 or boxes.shape != (len(scores), scores.shape[2], 4):
        raise ValueError(
            f"NonMaxSuppression: expected boxes [B,N,4] and scores [B,C,N], got {boxes.shape} and {scores.shape}"
        )
    most = int(_only(max_output_boxes_per_class, 0) or 0)
    overlap, least = _only(iou_threshold, 0.0) or 0.0, _only(score_threshold, None)
    if not 0 <= overlap <= 1:
        raise ValueError(f"NonMaxSuppression: expected iou_threshold in [0, 1], got {overlap}")
    rows = [
        (batch, label, box)
        for batch in range(len(boxes))
        for corners in [_corners(boxes[batch], center_point_box)]
        for label in range(scores.shape[1])
        for box in _kept(corners, scores[batch, label], most, overlap, least)
    ]
    return np.array(rows, np.int64).reshape(-1, 3)


def _suppressed(facts: Facts) -> list[Type | None]:
    return [Tensor("int64", (None, 3))]


def _region_type(facts: Facts) -> list[Type | None]:
    x, rois = shapes.tensor(facts, 0), shapes.tensor(facts, 1)
    if x is None:
        return [None]
    a = facts.attributes
    cells = a.get("pooled_shape") or (a.get("output_height", 1), a.get("output_width", 1))
    regions = rois.shape[0] if rois is not None and rois.shape else None
    channels = x.shape[1] if x.shape is not None and len(x.shape) == 4 else None
    return [Tensor(x.element, (regions, channels, *(int(n) for n in cells)))]


OPS: tuple[Op, ...] = (
    Op("MaxRoiPool", 1, MaxRoiPool, _region_type),
    Op("NonMaxSuppression", 10, NonMaxSuppression, _suppressed),
    Op("RoiAlign", 10, RoiAlign_10, _region_type),
    Op("RoiAlign", 16, RoiAlign, _region_type),
)
