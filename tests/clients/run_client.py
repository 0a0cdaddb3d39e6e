"""`python -m tests.clients.run_client ENGINE CLIENT [TIMES]`: one client's job in a process of its own.

The last line of output is JSON: which engine answered, what, and the seconds of each further time.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

from tests.clients.scenarios import SCENARIOS


def main(engine: str, client: str, times: int = 1) -> None:
    if engine == "celeris":
        import celeris

        celeris.as_onnxruntime()
    seconds = []
    for _ in range(times):
        start = perf_counter()
        answer = SCENARIOS[client]()
        seconds.append(perf_counter() - start)
    session = sys.modules["onnxruntime"].InferenceSession
    print()
    print(json.dumps({"engine": session.__module__.partition(".")[0], "answer": answer, "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
