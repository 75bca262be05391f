-- Fragment: the names of those of the %(tags)s that have none yet, in one order against deadlocks. All tags exist.
-- index: search_tagname_pkey (tag_id), kwips_tag_name_key (name)
-- types: tags text[], folded_tags text[]
tags_named AS (
    INSERT INTO search_tagname (tag_id, name)
    SELECT tag.id, new.folded
    FROM unnest(%(tags)s::text[], %(folded_tags)s::text[]) AS new (name, folded)
    JOIN kwips_tag tag ON tag.name = new.name
    WHERE NOT EXISTS (SELECT FROM search_tagname there WHERE there.tag_id = tag.id OFFSET 0)
    ORDER BY tag.id
    ON CONFLICT DO NOTHING
)
