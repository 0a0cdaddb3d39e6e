"""`python -m tests.converters [WORDS]`: every case on Celeris and on onnxruntime beside the library that trained it.

One line a case and type of input: what passes where, and the largest error. Then what passes in one place only.
"""

from __future__ import annotations

import sys

from tests.converters.check import RUNTIMES, convert, outcome
from tests.converters.families import CASES


def main(words: list[str]) -> int:
    """The number of cases that pass on onnxruntime and not on Celeris."""
    apart: dict[tuple[bool, bool], list[str]] = {}
    refused: list[str] = []
    for case in CASES:
        if not all(word in case.name for word in words):
            continue
        for element in case.elements:
            name = f"{case.name} ({element})"
            try:
                model = convert(case, element)
            except Exception as problem:
                refused.append(f"{name}: {type(problem).__name__}: {' '.join(str(problem).split())[:120]}")
                continue
            ours, theirs = (outcome(case, element, module, model) for module in RUNTIMES.values())
            apart.setdefault((ours.passes, theirs.passes), []).append(
                f"{name}: {theirs.problem if ours.passes else ours.problem}"
            )
            print(f"{ours.error:9.1e} {theirs.error:9.1e}  {name}", flush=True)
    print(f"\n{len(refused)} that the converter refuses")
    print(*refused, sep="\n")
    for (here, there), title in {
        (True, False): "pass on Celeris, not on onnxruntime",
        (False, True): "pass on onnxruntime, not on Celeris",
        (False, False): "pass on neither",
    }.items():
        names = apart.get((here, there), [])
        print(f"\n{len(names)} {title}")
        print(*names, sep="\n")
    total = sum(map(len, apart.values()))
    passed = {runtime: sum(len(v) for k, v in apart.items() if k[at]) for at, runtime in enumerate(RUNTIMES)}
    print(f"\n{total} converted; " + ", ".join(f"{runtime} {count}" for runtime, count in passed.items()))
    return len(apart.get((False, True), []))


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
