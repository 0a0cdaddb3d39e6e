"""The tests mirror src/celeris; this level holds what several of them share."""
