"""The error that ends a command with a message for its user."""


class CommandError(Exception):
    """The command cannot do what was asked; the message says why, and what to do about it."""
