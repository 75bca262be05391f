"""Cache keys. That of the policy is also the surrogate key of every public page with the announcement."""

POLICY = "policy"
# All blocked domains and networks: one entry of the cache, no pages.
BLOCKED = "blocked"
