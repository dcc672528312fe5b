-- Functions of libraries that connect to other servers. They stay, so that what calls them stays, and refuse.
SELECT replace(probin, '$libdir/', ''), format('its %s functions refuse', count(*)),
       ARRAY[format('UPDATE pg_proc SET prolang = (SELECT oid FROM pg_language WHERE lanname = ''plpgsql''),'
                    ' probin = NULL, prosrc = %L WHERE probin = %L',
                    'BEGIN RAISE feature_not_supported USING MESSAGE = ''this clone reaches no other server''; END',
                    probin)], NULL
FROM pg_proc WHERE probin ~ '(^|/)(dblink|http|pg_net|curl|amqp)$'
GROUP BY probin ORDER BY 1
