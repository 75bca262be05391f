-- Fragment: no word, phrase or tag that the viewer mutes is in a text, {folded}, with these {tags}. For a viewer who
-- mutes none neither text nor tags are read: the first condition of each CASE is evaluated once.
-- index: muted_word_once (muter_id, is_tag, folded), kwips_tag_pkey (id), kwip_pictures (kwip_id, place),
-- pictures_picture_pkey (id)
CASE WHEN {muted_pattern} IS NULL THEN true ELSE NOT coalesce({folded} ~ {muted_pattern}, false) END
AND CASE
    WHEN EXISTS ({muted_tags}) THEN NOT EXISTS (
        SELECT
        FROM ({tags}) carried
        JOIN kwips_tag tag ON tag.id = carried.tag_id
        WHERE tag.name IN ({muted_tags})
        OFFSET 0
    )
    ELSE true
END
