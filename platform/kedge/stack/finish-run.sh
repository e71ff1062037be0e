#!/bin/sh
# What both images have besides their packages. Called by mmdebstrap with the image's root folder.
set -eu
root=$1

chroot "$root" useradd --uid 1000 --no-create-home --home-dir /app --shell /bin/bash dyno
# In a build, /app is a link to /build/work/app; what a tool wrote down by that name must hold too.
mkdir -p "$root/app" "$root/build/work"
ln -s /app "$root/build/work/app"
chown 1000:1000 "$root/app"
chmod 755 "$root/app"

echo 'en_US.UTF-8 UTF-8' > "$root/etc/locale.gen"
chroot "$root" locale-gen > /dev/null

# The image must not remember the mirrors, proxies or certificates of the machine it was made on.
rm -f "$root/etc/apt/apt.conf.d/98kedge-host"
rm -rf "$root"/etc/apt/sources.list.d/*
cat > "$root/etc/apt/sources.list" <<'SOURCES'
deb http://deb.debian.org/debian trixie main
deb http://deb.debian.org/debian trixie-updates main
deb http://security.debian.org/debian-security trixie-security main
SOURCES
cat > "$root/etc/apt/apt.conf.d/90kedge" <<'CONF'
Acquire::Languages "none";
APT::Install-Recommends "false";
CONF

find "$root/var/log" -type f -delete
rm -rf "$root"/var/cache/ldconfig/aux-cache "$root"/root/.bash_history
