-- Fragment: why the viewer muffles the kwip of `page`, as a kind and a name; NULL if they do not. {talk} is its
-- conversation. As in unworded.sql, nothing is read for viewers who muffle nothing.
-- index: mute_once (muter_id, muted_id), muted_conversation_once (muter_id, kwip_id), kwips_kwip_pkey (id),
-- muted_word_once (muter_id, is_tag, folded), kwips_tag_pkey (id), kwips_kwiptag_kwip_id_a2123aac (kwip_id),
-- kwip_pictures (kwip_id, place), pictures_picture_pkey (id)
CASE
    WHEN kwip.author_id = %(viewer)s THEN NULL
    WHEN kwip.author_id IN (
        SELECT m.muted_id
        FROM graph_mute m
        WHERE m.muter_id = %(viewer)s AND m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
    ) THEN ARRAY['person', author.name]
    WHEN {talk} IN (
        SELECT m.kwip_id
        FROM graph_mutedconversation m
        WHERE m.muter_id = %(viewer)s AND m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
    ) THEN ARRAY['conversation', '']
    ELSE coalesce(
        CASE WHEN EXISTS ({muted_tags}) THEN (
            SELECT ARRAY['tag', tag.name::text]
            FROM kwips_kwiptag t
            JOIN kwips_tag tag ON tag.id = t.tag_id
            WHERE t.kwip_id = page.id AND tag.name IN ({muted_tags})
            LIMIT 1
        ) END,
        CASE WHEN {muted_pattern} IS NOT NULL THEN (
            SELECT ARRAY['word', (
                SELECT m.word::text
                FROM graph_mutedword m
                WHERE m.muter_id = %(viewer)s
                  AND NOT m.is_tag
                  AND m.folded = regexp_replace(coalesce(found.words[1], found.words[2]), '[^{letters}]+', ' ', 'g')
            )]
            FROM (
                SELECT regexp_match({folded}, {muted_pattern}) AS words
                FROM {said}
                OFFSET 0
            ) found
            WHERE found.words IS NOT NULL
        ) END
    )
END
