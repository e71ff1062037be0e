# What runs in the container of a mail add-on: makes a certificate once, then becomes the server.
# $NAME is the add-on's name; the programs were written below /data before the start.
set -eu
umask 077
if [ ! -s /data/server.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj "/CN=$NAME" -addext "subjectAltName=DNS:$NAME" \
    -keyout /data/server.key -out /data/server.crt.new 2>/dev/null
  mv /data/server.crt.new /data/server.crt
fi
exec python3 -P -m kedge_addons.mail.inside.server
