# What production needs for Understudy: a role that may take base backups, and a line that lets it in.
psql --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=password="$(cat /run/secrets/copier)" <<'SQL'
CREATE ROLE understudy LOGIN REPLICATION PASSWORD :'password';
SQL
echo "host replication understudy all scram-sha-256" >> "$PGDATA/pg_hba.conf"
