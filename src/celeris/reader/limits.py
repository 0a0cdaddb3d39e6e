"""What the reader refuses for its size or its age. A model file is hostile until checked."""

MAX_IR_VERSION = 14  # onnx 1.23
NEWEST_OPSETS = {"": 28, "ai.onnx.ml": 5}  # onnx 1.23
MAX_DEPTH = 100  # nested messages, as protobuf's own default: some thirty graphs within graphs
MAX_MESSAGES = 8_000_000  # a node with its attributes is some five messages
MAX_RANK = 32  # NumPy 1's
MAX_SPARSE_ELEMENTS = 1 << 30  # of the dense tensor that a sparse one, however small in the file, stands for
