"""Who sees what: every address for every viewer, against one table."""
