"""What onnxruntime's build writes: the package's name and version."""

from celeris.environment import ONNXRUNTIME_VERSION

package_name = "onnxruntime"
__version__ = ONNXRUNTIME_VERSION
