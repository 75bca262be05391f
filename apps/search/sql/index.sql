-- Indexes kwips and comments whose rows the caller has locked, in place of what the index had, and the %(tags)s.
-- index: kwips_kwip_pkey (id), search_entry_pkey (kwip_id)
-- types: ids bigint[], vectors text[]
WITH {tags_named}
INSERT INTO search_entry (kwip_id, words)
SELECT made.id, text.vector::tsvector || {slices}
FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) AS text (id, vector)
JOIN kwips_kwip made ON made.id = text.id
ON CONFLICT (kwip_id) DO UPDATE SET words = excluded.words
