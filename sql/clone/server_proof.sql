-- What a server of ours can prove itself by. Only superusers are told the directory: of a clone, that is us.
SELECT current_setting('cluster_name'),
       (SELECT setting FROM pg_settings WHERE name = 'data_directory')
