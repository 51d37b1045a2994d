"""What can go wrong: every error a user can cause says where, what was expected, what was found and what to do."""


class DedupError(Exception):
    """The base of every error raised on purpose. Its text is complete: the command prints it alone."""


class BadSettings(DedupError, ValueError):
    """A setting, option or settings file has a value that cannot be used."""


class BadInput(DedupError, ValueError):
    """An article, a record or a file cannot be read as what it should be."""


class BadRun(DedupError):
    """A run folder cannot be written, is in use, or is not what its own records say it is."""


class BadIndex(DedupError):
    """An index cannot be opened, written or read, is in use, or is not what its own records say it is."""


class OneShotInput(DedupError, TypeError):
    """Articles that can be read only once were given where they are read again."""
