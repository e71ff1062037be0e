# Sourced by dynos. How much memory the dyno may use, in MB: the quota of its size when the platform
# tells it (DYNO_MEMORY_MB), else half the hard limit of its cgroup, which is twice the quota.
kedge_dyno_memory_mb() {
  if [ -n "${DYNO_MEMORY_MB:-}" ]; then
    echo "$DYNO_MEMORY_MB"
    return
  fi
  local limit=""
  if [ -r /sys/fs/cgroup/memory.max ]; then
    limit=$(cat /sys/fs/cgroup/memory.max)
  elif [ -r /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
    limit=$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes)
  fi
  # No limit at all (a word, or a number of more than 15 digits): count as the smallest dyno.
  case "$limit" in
    '' | *[!0-9]* | ????????????????*) echo 512 ;;
    *) echo $((limit / 1048576 / 2)) ;;
  esac
}
