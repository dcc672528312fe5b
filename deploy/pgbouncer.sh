# Who may come in: test engineers as `staging`, and Understudy at the console. Then PgBouncer itself.
set -eu
umask 077
printf '"staging" "%s"\n"understudy" "%s"\n' \
    "$(cat /run/secrets/staging)" "$(cat /run/secrets/endpoint)" > /run/pgbouncer/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
