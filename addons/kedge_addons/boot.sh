# Comes before what a server's own boot.sh does.
set -eu
umask 077

# A certificate of the server's own, made once. $NAME is the add-on's name.
have_certificate() {
  [ ! -s /data/server.crt ] || return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj "/CN=$NAME" -addext "subjectAltName=DNS:$NAME" \
    -keyout /data/server.key -out /data/server.crt.new 2>/dev/null
  mv /data/server.crt.new /data/server.crt
}
