"""`python -m celeris`: the command `celeris`."""

import sys

from celeris.cli import main

sys.exit(main())
