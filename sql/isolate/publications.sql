-- They hold no address and no secret, and migrations speak of them; without WAL senders nothing is published.
SELECT pubname, 'kept: the clone has no WAL senders to publish with', '{}'::text[], NULL
FROM pg_publication ORDER BY 1
