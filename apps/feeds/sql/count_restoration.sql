-- Counts a transaction that made hidden kwips visible again. The row stays locked until the commit, so each
-- commit has a number of its own.
-- index: feeds_restoration_pkey (id)
INSERT INTO feeds_restoration AS r (id, number)
VALUES (1, 1)
ON CONFLICT (id) DO UPDATE SET number = r.number + 1
