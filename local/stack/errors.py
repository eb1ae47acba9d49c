"""The one error that a person is meant to read."""


class StackError(Exception):
    """Something is wrong; the text is whole sentences that say what, and what to do about it."""


class BusyError(StackError):
    """Another `up` or `down` of the same stack is under way."""
