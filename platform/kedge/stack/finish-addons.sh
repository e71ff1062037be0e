#!/bin/sh
# What the add-ons' image has besides its packages. Called by mmdebstrap with the image's root folder.
set -eu
root=$1

# One account for every server. A fresh volume at /data becomes its own, as the folder below it is.
chroot "$root" useradd --uid 1000 --no-create-home --home-dir /data --shell /usr/sbin/nologin addon
mkdir -p "$root/data"
chown 1000:1000 "$root/data"
chmod 700 "$root/data"

# Clusters that packages made for themselves, and PostgreSQL's just-in-time compiler (150 MB).
rm -rf "$root"/var/lib/postgresql/* "$root"/etc/postgresql/*
rm -f "$root"/usr/lib/*/libLLVM* "$root"/usr/lib/*/libz3.so*

# An empty cluster that heroku-postgresql's servers begin as a copy of: a tenth of initdb's time.
# It holds no password, and takes no connection until a server's own pg_hba.conf is written.
install -d -o 1000 -g 1000 -m 700 "$root/usr/share/kedge/postgresql"
chroot --userspec=1000:1000 "$root" /usr/lib/postgresql/17/bin/initdb \
  -D /usr/share/kedge/postgresql/17 -U postgres --encoding=UTF8 --locale-provider=builtin \
  --builtin-locale=C.UTF-8 --auth=reject --set dynamic_shared_memory_type=posix > /dev/null

# The image must not remember the mirrors, proxies or certificates of the machine it was made on.
rm -f "$root/etc/apt/apt.conf.d/98kedge-host"
rm -rf "$root"/etc/apt/sources.list.d/* "$root/etc/apt/sources.list"
find "$root/var/log" -type f -delete
rm -rf "$root"/var/cache/ldconfig/aux-cache "$root"/root/.bash_history
