"""Who can run a node: the native provider is asked first, the reference tier takes the rest."""
