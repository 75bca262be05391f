"""What `make run`, `make test` and `make smoke` stand on: local servers in a directory of their own."""
