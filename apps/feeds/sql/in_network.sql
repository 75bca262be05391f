-- Fragment: the kwip `k` is the viewer's own or of a person whom they follow. OFFSET 0 makes PostgreSQL look up
-- the author of each kwip until the page is full; else it would first read all followees.
-- index: follow_once (follower_id, followee_id)
(
    k.author_id = %(viewer)s
    OR EXISTS (
        SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = k.author_id OFFSET 0
    )
)
