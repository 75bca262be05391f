-- Fragment of the entries of timelines: the viewer shares the kwip `page`.
-- index: share_once (kwip_id, sharer_id)
EXISTS (SELECT FROM kwips_share s WHERE s.kwip_id = page.id AND s.sharer_id = %(viewer)s OFFSET 0)
