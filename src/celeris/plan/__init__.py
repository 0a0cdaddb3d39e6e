"""In which order, with which kernel, in which memory: a graph cut into steps, and built into a program."""

from celeris.interpret import NodeError

__all__ = ["NodeError"]
