"""Local servers in a directory of their own, for `make run`, `make test` and `make smoke`."""
