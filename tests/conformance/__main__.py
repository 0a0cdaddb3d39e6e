"""`python -m tests.conformance [TIER ...] [--only TEXT] [--failures]`: ONNX's backend cases on every tier.

Prints how many pass, beside onnxruntime's count through the same harness in the same run.
"""

from __future__ import annotations

import argparse
import collections
import sys
import warnings

import numpy as np

from tests.conformance.cases import Case, all_cases
from tests.conformance.harness import TIERS, Refused, run_case
from tests.conformance.skips import skips


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("tiers", nargs="*", choices=[*TIERS, "onnxruntime", []], help="all of them by default")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--failures", action="store_true", help="say why each failing case fails, onnxruntime's too")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    cases = [case for name, case in all_cases().items() if arguments.only in name]
    reasons = skips()
    wrong = 0
    kinds = collections.Counter(case.kind for case in cases)
    print(f"{len(cases)} cases: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}")
    for tier in arguments.tiers or [*TIERS, "onnxruntime"]:
        passed: collections.Counter[str] = collections.Counter()
        refused = 0
        for case in cases:
            problem = _problem(case, tier)
            passed[case.kind] += problem is None
            refused += isinstance(problem, Refused)
            expected = tier == "onnxruntime" or (problem is not None) == (case.name in reasons)
            wrong += not expected
            if not expected or (arguments.failures and problem is not None):
                print(f"  {tier} {case.name}: {_line(problem) if problem else 'passes, but skips.txt lists it'}")
        by_kind = ", ".join(f"{kind} {passed[kind]}/{count}" for kind, count in kinds.items())
        print(f"{tier}: {sum(passed.values())}/{len(cases)} pass ({by_kind}); {refused} refused at load", flush=True)
    return 1 if wrong else 0


def _problem(case: Case, tier: str) -> Exception | None:
    try:
        run_case(case, tier)
    except Exception as error:
        return error
    return None


def _line(problem: Exception) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"


sys.exit(main())
