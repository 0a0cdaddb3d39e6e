"""What a model is made of, without files or kernels: types, graph, edit (the only mutations), text (print and parse)."""
