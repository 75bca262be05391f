-- Fragment of the entries of timelines: the kwip `page` is a bookmark of the viewer.
-- index: bookmark_once (user_id, kwip_id)
EXISTS (SELECT FROM kwips_bookmark b WHERE b.user_id = %(viewer)s AND b.kwip_id = page.id OFFSET 0)
