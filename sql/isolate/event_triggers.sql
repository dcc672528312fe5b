-- ALWAYS and REPLICA ones would fire in our own sessions up to version 16. In sessions of staging, which replay
-- nothing, ordinary ones fire as ALWAYS ones do, and REPLICA ones never did.
SELECT evtname,
       CASE evtenabled WHEN 'A' THEN 'fires in staging''s sessions only' WHEN 'R' THEN 'disabled'
                       ELSE 'kept: silent until the release, then it fires in staging' END,
       CASE evtenabled WHEN 'A' THEN ARRAY[format('ALTER EVENT TRIGGER %I ENABLE', evtname)]
                       WHEN 'R' THEN ARRAY[format('ALTER EVENT TRIGGER %I DISABLE', evtname)] ELSE '{}' END, NULL
FROM pg_event_trigger WHERE evtenabled <> 'D' ORDER BY 1
