// The guardian's program for /bin/sh, in what every POSIX shell has built in; grep is used where it is there.

/**
 * It reads what it is told, a line each, and when the pipe to us closes it kills what is left: we can't do it when we were killed ourselves.
 *
 * - `pipes`: makes two pipes, answers `pipes`, and holds them as descriptors 3 and 4 until `shut`. Node can't make pipes, only socket
 *   pairs, and a program can't open /dev/stdout or /dev/stderr when that is a socket. A here-document is a pipe in dash, bash and busybox.
 * - `free`: closes descriptor 5, by which it holds the run's lock.
 * - `begin`: a program is about to be started.
 * - `+ 123`: it leads the session 123.
 * - `- 123`: nothing of it is left. `- 0` when it couldn't be started.
 *
 * Its first argument is what the marker of every program of ours begins with. It ignores what asks all processes to end: it ends after us.
 *
 * Nobody may be missed. A process may end before it is looked at, and leave a child that wasn't there when the look began; and while it becomes
 * another program (execve) it has no environment. Both are looked at once more, and so is whoever was killed, until nobody is left to look at.
 * In /proc/123/stat the fields 23 (memory), 51 (end of the environment) and, with the state as the first, 4 (session) say so: see proc_pid_stat(5).
 */
export const GUARDIAN_SCRIPT = `
trap '' HUP INT TERM
leaders=
count=0
while read -r what leader; do
  case $what in
    pipes)
      exec 3<<LINE 4<<LINE
.
LINE
.
LINE
      echo pipes ;;
    shut) exec 3<&- 4<&- ;;
    free) exec 5<&- ;;
    begin) count=$((count + 1)) ;;
    +) leaders="$leaders $leader" ;;
    -)
      count=$((count - 1))
      kept=
      for one in $leaders; do [ "$one" = "$leader" ] || kept="$kept $one"; done
      leaders=$kept ;;
  esac
done
[ "$count" -gt 0 ] || exit 0
exec 2>/dev/null

kill_groups() {
  for leader in $leaders; do kill -KILL -- "-$leader"; done
}

once_more() {
  case "$again " in
    *" $1 "*) ;;
    *) again="$again $1" ;;
  esac
}

# Kills the members among the processes $1, such as /proc/123.
look() {
  looked=
  for process in $1; do
    read -r line < "$process/stat" || continue
    set -- \${line##*) }
    [ "$1" != Z ] || continue
    pid=\${process#/proc/}
    looked="$looked $pid"
    eval "environment_$pid=\${49}"
    case "$leaders " in
      *" $3 "* | *" $4 "*) kill -KILL "$pid" && once_more "$process" ;;
    esac
  done
  environments=/dev/null
  for pid in $looked; do environments="$environments /proc/$pid/environ"; done
  for file in $(grep -lsF -- "$marker" $environments); do
    process=\${file%/environ}
    kill -KILL "\${process#/proc/}" && once_more "$process"
  done
  # Who became another program meanwhile (execve), or does so now, may have had no environment when grep looked.
  for pid in $looked; do
    true < "/proc/$pid/environ" && read -r line < "/proc/$pid/stat" || continue
    set -- \${line##*) }
    eval "before=\\$environment_$pid"
    [ "$1" = Z ] || [ "\${21}" = 0 ] || { [ "\${49}" = "$before" ] && [ "$before" != "$none" ]; } || once_more "/proc/$pid"
  done
}

# Who was born since the process $1 was the newest: it may be the child of one that ended before it was looked at.
look_for_newborn() {
  pid=$1
  read -r one five fifteen tasks newest < /proc/loadavg
  # The pids have begun anew, or are so many that a look at all processes is quicker.
  if [ "$newest" -lt "$pid" ] || [ "$newest" -gt $((pid + 1000)) ]; then
    again=$all
    return
  fi
  while [ "$pid" -lt "$newest" ]; do
    pid=$((pid + 1))
    [ ! -d "/proc/$pid" ] || once_more "/proc/$pid"
  done
}

marker=$1
# What the kernel says of an environment that isn't there yet; gVisor never says where one is.
none=0
read -r line < "/proc/$$/stat"
set -- \${line##*) }
[ "\${49}" != 0 ] || none=-

all='/proc/[0-9]*'
again=$all
round=0
read -r one five fifteen tasks newest < /proc/loadavg
while [ -n "$again" ] && [ "$round" -lt 300 ]; do
  round=$((round + 1))
  processes=$again
  again=
  kill_groups
  look "$processes"
  look_for_newborn "$newest"
done
`;
