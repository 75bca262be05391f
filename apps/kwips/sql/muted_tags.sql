-- Fragment: the names of the tags that the viewer mutes; {which} of the mutes `m` count.
-- index: muted_word_once (muter_id, is_tag, folded)
SELECT m.folded
FROM graph_mutedword m
WHERE m.muter_id = %(viewer)s AND m.is_tag AND {which} AND (m.ends_at IS NULL OR m.ends_at > now())
