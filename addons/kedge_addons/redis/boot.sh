# What runs in the container of a heroku-redis add-on: makes a certificate once, then becomes the
# server. $NAME is the add-on's name; redis.conf and users.acl were written before the start.
have_certificate
mkdir -p /data/store
exec redis-server /data/redis.conf
