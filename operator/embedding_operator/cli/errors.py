"""What ends a command with a message for the person who typed it."""


class CommandError(Exception):
    """The command can not do what was asked; the message says why, and what to do about it."""
