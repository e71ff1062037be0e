# What runs in the container of a heroku-postgresql add-on: makes the cluster once, then becomes the
# server. $NAME is the add-on's name; the arguments are the server's settings.
if [ ! -s /data/pg/PG_VERSION ]; then
  rm -rf /data/pg.new
  if [ -d /usr/share/kedge/postgresql/17 ]; then
    cp -a --sparse=always /usr/share/kedge/postgresql/17 /data/pg.new
  else  # an image made before it had a cluster ready
    initdb -D /data/pg.new -U postgres --encoding=UTF8 --locale-provider=builtin \
      --builtin-locale=C.UTF-8 --auth=reject --no-sync >/dev/null
  fi
  mv /data/pg.new /data/pg  # whole, or not there at all
  # A thousand small files are brought to the disk while the server starts: that halves the wait.
  # Who makes the database waits for it: nobody is told of one that a power cut could still undo.
  (initdb --sync-only -D /data/pg >/dev/null; : > /run/synced) &
else
  : > /run/synced
fi
have_certificate
# The account of this container is the superuser, by its socket alone; everybody else has a password.
cat > /data/pg/pg_ident.conf <<'IDENT'
own addon postgres
IDENT
cat > /data/pg/pg_hba.conf <<'HBA'
local all postgres peer map=own
host all postgres all reject
host all all all scram-sha-256
HBA
exec postgres -D /data/pg "$@"
