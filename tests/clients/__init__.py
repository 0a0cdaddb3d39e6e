"""Libraries from PyPI that bring ONNX models in their wheels, run unchanged on onnxruntime and on Celeris."""
