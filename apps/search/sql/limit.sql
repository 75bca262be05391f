-- Bounds the statements that follow it in the same transaction.
-- index: none, it reads no table
-- types: milliseconds text
SELECT set_config('statement_timeout', %(milliseconds)s, true)
