"""The surrogate key of the pages that show what recurring commands computed."""

DIRECTORY = "directory"
