#!/bin/sh
# What the build image has besides the run image: /app is the build folder, which lies in the same
# volume as the cache. So paths that a build writes down (shebangs, rpaths, bundles) hold in the
# dyno, where /app is the slug; and trees move between cache and build folder by rename.
set -eu
root=$1

rm "$root/build/work/app"
rmdir "$root/build/work"
mkdir -p "$root/kedge"
chown 1000:1000 "$root/build"
rmdir "$root/app"
ln -s build/work/app "$root/app"
