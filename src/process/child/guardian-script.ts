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

kill_members() {
  killed=
  for leader in $leaders; do
    kill -KILL -- "-$leader" && killed=yes
    for stat in /proc/[0-9]*/stat; do
      read -r line < "$stat" || continue
      pid=\${line%% *}
      set -- \${line##*) }
      [ "$4" = "$leader" ] && [ "$1" != Z ] && kill -KILL "$pid" && killed=yes
    done
  done
  for file in $(grep -lsF -- "$marker" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -KILL "\${pid%/environ}" && killed=yes
  done
  [ -n "$killed" ]
}
marker=$1
round=0
while [ "$round" -lt 50 ] && kill_members 2>/dev/null; do
  round=$((round + 1))
done
`;
