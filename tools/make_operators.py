"""Writes docs/operators.md: `python tools/make_operators.py`. A test holds the page to what this makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from celeris import ops
from celeris.ops.schema import schema_of
from celeris.ops.table import Op
from celeris.providers import native
from celeris.providers.native import whole

PAGE = Path(__file__).parent.parent / "docs" / "operators.md"
_DOMAINS = ("", "ai.onnx.ml", "com.microsoft", "ai.onnx.preview")
_NOTES = {
    "com.microsoft": """
Of BiasAdd, BiasSplitGelu, GatedRelativePositionBias, GemmFastGelu, GroupNorm, NhwcConv, RelativePositionBias,
RemovePadding, RestorePadding and SkipGroupNorm onnxruntime has kernels for GPUs only; here they run, so that files that
its transformer optimiser wrote can be used. Left out, since files with them need a GPU there: QOrdered*,
Packed*Attention, PagedAttention, DecoderMaskedSelfAttention, DecoderAttention, LongformerAttention, GemmFloat8, *BFP.
Left out, too: searches over whole decoders (BeamSearch, GreedySearch, Sampling, WhisperBeamSearch) and operators of one
model's research code (AttnLSTM, EngramGate, HyperConnection*, NGramHashMapping, BranchwiseRMSNorm, GatedAdd,
WordConvEmbedding, MatMulFpQ4).
""",
}
_NEWEST = 2**31 - 1
_HEAD = """# Operators

Every operator that Celeris runs, in every version of its definition up to the newest. All of them run in NumPy, which
defines the answer; *native* ones have kernels, too: for *rows* of tables of numbers or strings, or for whole
*tensors*, of networks or where these are small (`celeris show MODEL --why` tells where and why not). *Since*: the
opsets that changed the behaviour. Made by `tools/make_operators.py`.
"""


def page() -> str:
    """The page's text."""
    parts = [_HEAD]
    for domain in _DOMAINS:
        rows = list(_rows(domain))
        parts.append(
            f"\n## {domain or 'ai.onnx'}\n\nOperators: {len(rows)}.\n{_NOTES.get(domain, '')}\n"
            "| operator | since | types of the first input | native | meaning |\n| --- | --- | --- | --- | --- |\n"
            + "".join(rows)
        )
    return "".join(parts)


def _rows(domain: str) -> Iterator[str]:
    versions: dict[str, list[Op]] = {}
    for family in ops.FAMILIES[domain]:
        for op in ops._family(family):
            if op.domain == domain:
                versions.setdefault(op.name, []).append(op)
    for name, found in sorted(versions.items()):
        newest = max(found, key=lambda op: op.since)
        since = ", ".join(str(op.since) for op in sorted(found, key=lambda op: op.since))
        rules = {"rows": native.rule_of(domain, name) is not None, "tensors": whole.has_rule(domain, name)}
        kernels = ", ".join(kind for kind, there in rules.items() if there)
        meaning = (newest.function.__doc__ or "").strip().split("\n")[0].split(" Source:")[0].replace("|", "\\|")
        yield f"| {name} | {since} | {_types(domain, name)} | {kernels} | {meaning} |\n"


def _types(domain: str, name: str) -> str:
    schema = schema_of(domain, name, _NEWEST)
    if schema is None or not schema.inputs:
        return ""
    kinds = sorted(schema.inputs[0].permitted)
    plain = [kind.removeprefix("tensor(").removesuffix(")") for kind in kinds if kind.startswith("tensor(")]
    other = [kind for kind in kinds if not kind.startswith("tensor(")]
    shown = ", ".join(plain) + (f" and {len(other)} others" if other and plain else ", ".join(other[:3]))
    return (
        shown if len(shown) < 90 else f"{len(plain)} types of tensors" + (f" and {len(other)} others" if other else "")
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
