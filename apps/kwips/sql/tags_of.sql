-- Fragment: the names of the tags of the kwip `k`.
-- index: kwips_kwiptag_kwip_id_a2123aac (kwip_id), kwips_tag_pkey (id)
ARRAY(
    SELECT tag.name::text FROM kwips_kwiptag kt JOIN kwips_tag tag ON tag.id = kt.tag_id WHERE kt.kwip_id = k.id
)
