-- Fragment: the new notices as an array of texts, which `events.emit_new` reads.
-- index: none, it reads a CTE
ARRAY(SELECT n.id || ' ' || n.recipient_id || ' ' || n.kind || ' ' || n.channel FROM written n ORDER BY n.id)
