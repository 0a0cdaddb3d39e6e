"""The geometry of convolution and pooling: padding, output sizes, and strided views of the windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Seq
from itertools import product
from typing import Any

import numpy as np

from celeris.graph.types import Dim, Shape
from celeris.records import Record


class Windows(Record, frozen=True):
    """How a kernel moves over the spatial axes: per axis its size, step, gap, padding before, input and output size.

    `after` is the padding declared behind the input; a window of ceil_mode may reach beyond it.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    sizes: tuple[int, ...]
    out: tuple[int, ...]

    def padded(self, x: np.ndarray, fill: float | int = 0) -> np.ndarray:
        """`x` [N,C,*sizes] with `fill` around, as far as the last window reaches."""
        widths = [(0, 0), (0, 0)]
        for k, s, d, before, size, out in zip(
            self.kernel, self.strides, self.dilations, self.before, self.sizes, self.out, strict=True
        ):
            reach = max(out - 1, 0) * s + (k - 1) * d + 1
            widths.append((before, max(reach - before - size, 0)))
        if not any(before or after for before, after in widths):
            return x
        result = np.full([b + size + a for size, (b, a) in zip(x.shape, widths, strict=True)], fill, x.dtype)
        result[tuple(slice(b, b + size) for size, (b, _) in zip(x.shape, widths, strict=True))] = x
        return result

    def views(self, padded: np.ndarray) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """For each position in the kernel, the elements of all windows there: [N,C,*out]."""
        for position in product(*map(range, self.kernel)):
            yield position, padded[(slice(None), slice(None), *self.slices(position))]

    def slices(self, position: tuple[int, ...]) -> list[slice]:
        """Where in the padded axes the windows' elements at `position` lie."""
        starts = [p * d for p, d in zip(position, self.dilations, strict=True)]
        return [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, self.out, self.strides, strict=True)]

    def strided(self, padded: np.ndarray) -> np.ndarray:
        """All windows as a view [N,C,*kernel,*out]."""
        spatial = padded.strides[2:]
        return np.lib.stride_tricks.as_strided(
            padded,
            (*padded.shape[:2], *self.kernel, *self.out),
            (
                *padded.strides[:2],
                *(step * d for step, d in zip(spatial, self.dilations, strict=True)),
                *(step * s for step, s in zip(spatial, self.strides, strict=True)),
            ),
            writeable=False,
        )


def per_axis(where: str, name: str, values: Seq[int] | None, count: int, default: int, least: int) -> tuple[int, ...]:
    """An attribute with one integer an axis, `default` where it is missing."""
    if values is None or len(values) == 0:
        return (default,) * count
    result = tuple(int(value) for value in values)
    if len(result) != count or min(result, default=least) < least:
        raise ValueError(f"{where}: expected {name} of {count} integers from {least}, got {list(result)}")
    return result


def same_padding(total: int, auto_pad: str) -> tuple[int, int]:
    """`total` split in two; the odd one goes to the end for SAME_UPPER, to the beginning for SAME_LOWER."""
    total = max(total, 0)
    small = total // 2
    return (small, total - small) if auto_pad == "SAME_UPPER" else (total - small, small)


def windows(
    where: str,
    sizes: Seq[int],
    kernel: Seq[int],
    *,
    strides: Seq[int] | None = None,
    dilations: Seq[int] | None = None,
    pads: Seq[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Windows:
    """The windows over axes of `sizes`. Raises ValueError where attributes do not fit.

    With ceil_mode, a window that would start in the padding behind the input is left out.
    """
    rank = len(sizes)
    ks = per_axis(where, "kernel_shape", kernel, rank, 1, 1)
    ss = per_axis(where, "strides", strides, rank, 1, 1)
    ds = per_axis(where, "dilations", dilations, rank, 1, 1)
    auto_pad = auto_pad or "NOTSET"
    if auto_pad not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"{where}: expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, got {auto_pad!r}")
    both = per_axis(where, "pads", pads if auto_pad == "NOTSET" else None, 2 * rank, 0, 0)
    before, after, out = list(both[:rank]), list(both[rank:]), []
    for i, (size, k, s, d) in enumerate(zip(sizes, ks, ss, ds, strict=True)):
        reach = (k - 1) * d + 1
        if auto_pad.startswith("SAME"):
            count = -(-size // s)
            before[i], after[i] = same_padding((count - 1) * s + reach - size, auto_pad)
        else:
            free = size + before[i] + after[i] - reach
            count = (-(-free // s) if ceil_mode else free // s) + 1
            if ceil_mode and (count - 1) * s >= size + before[i]:
                count -= 1
        if count <= 0 and size > 0:
            raise ValueError(f"{where}: expected an input of at least {reach} along axis {i + 2}, got {size}; pad it")
        out.append(max(count, 0))
    return Windows(ks, ss, ds, tuple(before), tuple(after), tuple(sizes), tuple(out))


def output_sizes(
    sizes: Shape,
    kernel: Seq[int] | None,
    attributes: Mapping[str, Any],
) -> tuple[Dim, ...]:
    """The spatial output sizes of a convolution or pooling; None where an input size or the kernel is not known."""
    known: list[Dim] = []
    rank = len(sizes)
    pads = attributes.get("pads")
    for i, size in enumerate(sizes):
        if not isinstance(size, int) or kernel is None or len(kernel) != rank:
            known.append(None)
            continue
        one = {
            name: None if values is None else [values[i]]
            for name, values in ((n, attributes.get(n)) for n in ("strides", "dilations"))
        }
        try:
            found = windows(
                "shape",
                [size],
                [kernel[i]],
                strides=one["strides"],
                dilations=one["dilations"],
                pads=None if pads is None else [pads[i], pads[i + rank]],
                auto_pad=str(attributes.get("auto_pad") or "NOTSET"),
                ceil_mode=int(attributes.get("ceil_mode") or 0),
            )
            known.append(found.out[0])
        except (ValueError, IndexError):
            known.append(None)
    return tuple(known)
