-- Adds those of the tags that do not exist. It waits for a transaction that adds the same one; they are in one
-- order everywhere, against deadlocks. A tag that exists takes no number of the sequence. `unnest` twice: as in
-- `named`.
-- index: kwips_tag_name_key (name)
-- types: tags text[]
INSERT INTO kwips_tag (name)
SELECT new.name
FROM unnest(ARRAY(SELECT unnest(%(tags)s::text[]))) AS new (name)
WHERE NOT EXISTS (SELECT FROM kwips_tag there WHERE there.name = new.name OFFSET 0)
ORDER BY new.name COLLATE "C"
ON CONFLICT DO NOTHING
