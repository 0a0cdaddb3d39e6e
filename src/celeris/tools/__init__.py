"""A stand-in for onnxruntime.tools: Celeris has none of these scripts. `celeris show` prints a model's shapes."""
