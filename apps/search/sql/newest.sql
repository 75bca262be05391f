-- The newest id in the index; 0 where it is empty.
-- index: search_entry_pkey (kwip_id)
SELECT coalesce(max(e.kwip_id), 0) FROM search_entry e
