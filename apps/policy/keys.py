"""The policy's cache key, and the surrogate key of every public page with the announcement."""

POLICY = "policy"
