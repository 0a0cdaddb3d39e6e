"""A stand-in for onnxruntime.transformers, so that optimum can be imported: `io_binding_helper.TypeHelper` only."""
