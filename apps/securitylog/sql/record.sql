-- Records an event; one that is alike within the minute is counted on the row of the first.
-- index: securitylog_entry_alike_key (alike)
-- types: event text, user_id bigint, by_id bigint, network text, browser text, system text, login text, details jsonb, request_id text, alike uuid
INSERT INTO securitylog_entry AS kept
    (event, user_id, by_id, network, browser, system, login, details, request_id, alike)
VALUES (%(event)s, %(user_id)s, %(by_id)s, %(network)s, %(browser)s, %(system)s, %(login)s,
    %(details)s::jsonb, %(request_id)s, %(alike)s::uuid)
ON CONFLICT (alike) DO UPDATE SET times = kept.times + 1
