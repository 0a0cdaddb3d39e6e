"""Everything of the state module, as onnxruntime has it."""

import os  # noqa: F401
import platform  # noqa: F401
import warnings  # noqa: F401

from celeris.capi.onnxruntime_pybind11_state import *  # noqa: F403
