# What runs in the container of a mail add-on: makes a certificate once, then becomes the server.
# $NAME is the add-on's name; the programs were written below /data before the start.
have_certificate
exec python3 -P -m kedge_addons.mail.inside.server
