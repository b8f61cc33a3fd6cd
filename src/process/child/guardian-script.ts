// The guardian's program for /bin/sh, in what every POSIX shell has built in; grep is used where it is there.

/**
 * It reads what it is told, a line each, and when the pipe to us closes it kills what is left: we can't do it when we were killed ourselves.
 *
 * - `pipes`: makes two pipes, answers `pipes`, and holds them as descriptors 3 and 4 until the program leads a session: until then the program is told
 *   by them, whatever it has made of its environment. Node can't make pipes, only socket pairs, and a program can't open /dev/stdout or /dev/stderr
 *   when that is a socket. A here-document is a pipe in dash, bash and busybox; before bash 5.1 it is a file, which is no use. Without `command` the
 *   shell would end where it can't make that.
 * - `free`: closes descriptor 5, by which it holds the run's lock.
 * - `begin`: a program is about to be started.
 * - `+ 123`: it leads the session 123.
 * - `- 123`: nothing of it is left. `- 0` when it couldn't be started.
 *
 * Its first argument is what the marker of every program of ours begins with. It ignores what asks all processes to end: it ends after us.
 *
 * Nobody may be missed. A process may end before it is looked at, and leave a child that wasn't there when the look began; and while it becomes
 * another program (execve), or its first thread ends, it has no environment. Both are looked at once more, and so is whoever was killed, until nobody
 * is left to look at. Who was born meanwhile to a stranger is one too; orphans are adopted by one of the guardian's forebears. That is told without
 * starting a process: guardians at work at the same time would look at what each of them starts, and find no end.
 *
 * The fields of /proc/123/stat are numbered as in proc_pid_stat(5): 3 is the state, 4 the parent, 5 the group, 6 the session, 20 the number of
 * threads, 22 the start, 23 the memory and 51 the end of the environment.
 */
export const GUARDIAN_SCRIPT = `
trap '' HUP INT TERM PIPE
leaders=
count=0
while read -r what leader; do
  case $what in
    pipes)
      command exec 3<<LINE 4<<LINE
.
LINE
.
LINE
      echo pipes ;;
    free) exec 5<&- ;;
    begin) count=$((count + 1)) ;;
    +)
      exec 3<&- 4<&-
      leaders="$leaders $leader" ;;
    -)
      [ "$leader" != 0 ] || exec 3<&- 4<&-
      count=$((count - 1))
      kept=
      for one in $leaders; do [ "$one" = "$leader" ] || kept="$kept $one"; done
      leaders=$kept ;;
  esac
done
[ "$count" -gt 0 ] || exit 0
exec 2>/dev/null
# The run was killed while it started a program.
starting=
[ ! -p "/proc/$$/fd/3" ] || starting=yes

once_more() {
  case "$again " in
    *" $1 "*) ;;
    *) again="$again $1" ;;
  esac
}

# Reads the file $1 into line, without line breaks; empty where there is none.
read_stat() {
  line=
  while read -r part; do line="$line $part"; done < "$1"
}

# What the kernel tells of the processes with the files $1, a line each: the file, ':) ', and what follows the name. That may hold line breaks, of which
# come lines that are too short.
stats() {
  grep -Hso ') [A-Z] [-0-9 ]*$' $1
}

# Those of the files $1 that hold the marker, a line each.
marked() {
  grep -lsF -- "$marker" $1
}

# The shell itself takes a hundred times longer.
command -v grep >/dev/null || {
  stats() {
    for file in $1; do
      read_stat "$file"
      echo "$file:) \${line##*) }"
    done
  }
  marked() {
    for file in $1; do
      environment=
      part=
      while read -r part; do environment="$environment$part"; done < "$file"
      case $environment$part in
        *"$marker"*) echo "$file" ;;
      esac
    done
  }
}

# Whether the process $1 writes to one of the pipes.
writes_to_pipes() {
  [ "/proc/$1/fd/1" -ef "/proc/$$/fd/3" ] || [ "/proc/$1/fd/2" -ef "/proc/$$/fd/4" ]
}

# Kills the members among the processes $1, such as /proc/123.
look() {
  stats=
  environments=
  set -f
  for process in $1; do
    stats="$stats $process/stat"
    environments="$environments $process/environ"
  done
  set +f
  looked=
  members=
  found=$(stats "$stats")
  IFS=$lines
  for line in $found; do
    IFS=$fields
    set -- $line
    [ "$#" -gt 23 ] || continue
    pid=\${1#/proc/}
    pid=\${pid%/stat}
    # Who was killed has soon nothing any more that it could be told by, and isn't dead yet.
    eval "killed=\\$killed_$pid"
    if [ "$3" != Z ] || [ "\${20}" -gt 1 ]; then
      [ "$killed" != "\${22}" ] || once_more "/proc/$pid"
    fi
    # It is the kernel's or ends, or its first thread has ended, and others live.
    if [ "\${23}" = 0 ]; then
      [ "\${20}" -gt 1 ] || continue
      environments="$environments /proc/$pid/task/*/environ"
    fi
    looked="$looked $pid"
    eval "parent_$pid=$4 start_$pid=\${22} environment_$pid=\${51}"
    case "$leaders " in
      *" $5 "* | *" $6 "*) members="$members $pid" ;;
      *) [ -z "$starting" ] || ! writes_to_pipes "$pid" || members="$members $pid" ;;
    esac
  done
  unset IFS
  for file in $(marked "$environments"); do
    pid=\${file#/proc/}
    members="$members \${pid%%/*}"
  done
  # Their children, whatever these have made of their environment. Nobody is killed before: nothing tells whose children orphans were.
  before=
  while [ "$members" != "$before" ]; do
    before=$members
    for pid in $looked; do
      eval "parent=\\$parent_$pid"
      case "$members " in
        *" $pid "*) ;;
        *" $parent "*) members="$members $pid" ;;
      esac
    done
  done
  for leader in $leaders; do kill -KILL -- "-$leader"; done
  for pid in $members; do
    case "$ours " in
      *" $pid "*) ;;
      *) ours="$ours $pid" ;;
    esac
    kill -KILL "$pid" || continue
    eval "killed_$pid=\\$start_$pid"
    once_more "/proc/$pid"
  done
  # Who became another program meanwhile (execve), or does so now, or has lost its first thread, may have had no environment when it was looked for.
  found=$(stats "$stats")
  IFS=$lines
  for line in $found; do
    IFS=$fields
    set -- $line
    [ "$#" -gt 23 ] || continue
    process=\${1%/stat}
    eval "before=\\$environment_\${process#/proc/}"
    if [ "\${23}" = 0 ]; then
      [ "\${20}" -le 1 ] || [ "$before" = 0 ] || once_more "$process"
    elif [ "\${51}" != "$before" ] || [ "$before" = "$none" ]; then
      true < "$process/environ" && once_more "$process"
    fi
  done
  unset IFS
}

# Whether the process $1 is the child of a stranger, and so one itself. No process is started for this.
is_strangers_child() {
  read_stat "/proc/$1/stat"
  # It has ended, and whoever it has left is newer.
  [ -n "$line" ] || return 0
  set -- "$1" \${line##*) }
  case "$forebears $ours $again " in
    *" $3 "* | *"/$3 "*) return 1 ;;
  esac
  eval "known=\\$start_$3"
  [ -n "$known" ] || return 1
  eval "start_$1=\${21}"
}

# Who was born since $newest was the newest: perhaps the child of one that ended before it was looked at.
look_for_newborn() {
  pid=$newest
  passes=0
  read -r one five fifteen tasks newest < /proc/loadavg
  while [ "$newest" != "$pid" ] && [ "$passes" -lt 1000 ]; do
    passes=$((passes + 1))
    # The pids have begun anew.
    if [ "$newest" -lt "$pid" ]; then
      again=$all
      return
    fi
    while [ "$pid" -lt "$newest" ]; do
      pid=$((pid + 1))
      [ ! -d "/proc/$pid" ] || is_strangers_child "$pid" || once_more "/proc/$pid"
    done
    read -r one five fifteen tasks newest < /proc/loadavg
  done
}

marker=$1
lines='
'
fields=' :'
# What the kernel says of an environment that isn't there yet; gVisor never says where one is.
none=0
read -r line < "/proc/$$/stat"
set -- $line
[ "\${51}" != 0 ] || none=-

# One of these adopts orphans. One that ends meanwhile, or is hidden, doesn't tell who is above it.
forebears=' 1'
pid=$$
gaps=0
while [ "$pid" -gt 1 ] && [ "$gaps" -lt 10 ]; do
  read_stat "/proc/$pid/stat"
  set -- \${line##*) }
  pid=\${2:-$$}
  [ "$#" -gt 0 ] || gaps=$((gaps + 1))
  forebears="$forebears $pid"
done

all='/proc/[0-9]*'
ours=
again=$all
round=0
read -r one five fifteen tasks newest < /proc/loadavg
while [ -n "$again" ] && [ "$round" -lt 300 ]; do
  round=$((round + 1))
  processes=$again
  again=
  look "$processes"
  # The kernel may take its time for those.
  [ -z "$members" ] || [ "$round" -lt 10 ] || sleep 0.02
  look_for_newborn
done
`;
