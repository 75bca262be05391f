"""What the subjects share: timing, results, the database, servers, HTTP."""
