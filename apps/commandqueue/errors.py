class Never(Exception):
    """A task raises this when trying again would be no use: it becomes a dead letter at once."""
