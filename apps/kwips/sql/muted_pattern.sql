-- Fragment: one regular expression for all words and phrases that the viewer mutes, NULL if there are none; {which} of
-- the mutes `m` count. What it matches is in one of its two groups. A word is whole: no letter of it is before
-- or after it, except in scripts without spaces ({unspaced}).
-- index: muted_word_once (muter_id, is_tag, folded)
(
    SELECT nullif(
        concat_ws(
            '|',
            '(?:^|[^{letters}]|[{unspaced}])('
            || string_agg(replace(m.folded, ' ', '[^{letters}]+'), '|') FILTER (WHERE m.folded !~ '[{unspaced}]')
            || ')(?:$|[^{letters}]|[{unspaced}])',
            '('
            || string_agg(replace(m.folded, ' ', '[^{letters}]+'), '|') FILTER (WHERE m.folded ~ '[{unspaced}]')
            || ')'
        ),
        ''
    )
    FROM graph_mutedword m
    WHERE m.muter_id = %(viewer)s AND NOT m.is_tag AND {which} AND (m.ends_at IS NULL OR m.ends_at > now())
)
