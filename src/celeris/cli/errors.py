"""What a command raises where its arguments or files are at fault."""


class UsageError(Exception):
    """One line: where, what was expected, what came."""
