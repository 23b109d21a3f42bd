"""What goes wrong, for people."""


class PortableError(Exception):
    """One line: the file or option, and what to do."""
