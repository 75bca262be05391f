-- Fragment: when the row of a hit can be swept: at the end of the span, rounded up.
-- index: none, it reads no table
date_bin('5 minutes', clock_timestamp() + make_interval(secs => %(seconds)s), 'epoch') + interval '5 minutes'
