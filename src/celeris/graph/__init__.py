"""What a model is made of: types, graph, edit (the only mutations), text (print and parse). No files, no kernels."""
