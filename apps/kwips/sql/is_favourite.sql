-- Fragment of the entries of timelines: the kwip `page` is a favourite of the viewer.
-- index: favourite_once (user_id, kwip_id)
EXISTS (SELECT FROM kwips_favourite f WHERE f.user_id = %(viewer)s AND f.kwip_id = page.id OFFSET 0)
