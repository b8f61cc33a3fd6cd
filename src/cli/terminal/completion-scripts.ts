// The completion scripts. Each hands the words up to the cursor, one a line, to the very program that is being completed: run-job, or the
// project's own where it is called by npx, whose other words stay with whoever completed them before.

const BASH = `# run-job's completion for bash: source <(run-job completion bash), or source <(npx run-job completion bash)
_run_job_words() {
  # $1: how many words the program takes; the others: the program
  local skip=$1; shift
  local IFS=$'\\n'
  # bash takes = for a word of its own: what stands before the cursor is put together from the line.
  local line="\${COMP_LINE:0:COMP_POINT}" word words=()
  IFS=$' \\t' read -r -a words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  word="\${words[\${#words[@]}-1]}"
  COMPREPLY=($("$@" completion bash --words="\${words[*]:skip}" 2>/dev/null))
  # What stands before = is on the line already.
  if [[ "$word" == *=* ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${word%=*}="}"); fi
  if [[ "\${COMPREPLY[0]-}" == *= ]]; then compopt -o nospace; fi
}
_run_job() { _run_job_words 1 "\${COMP_WORDS[0]}"; }
_run_job_npx() {
  if [[ "\${COMP_WORDS[1]-}" == run-job && COMP_CWORD -gt 1 ]]; then
    if [[ -x node_modules/.bin/run-job ]]; then _run_job_words 2 node_modules/.bin/run-job; else _run_job_words 2 npx --no run-job; fi
  elif [[ -n "$_run_job_npx_before" ]]; then "$_run_job_npx_before" "$@"
  else COMPREPLY=($(compgen -W "$(ls node_modules/.bin 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]-}")); fi
}
complete -F _run_job run-job
if [[ "$(complete -p npx 2>/dev/null)" =~ -F\\ ([^ ]+) && "\${BASH_REMATCH[1]}" != _run_job_npx ]]; then _run_job_npx_before="\${BASH_REMATCH[1]}"; fi
complete -o default -F _run_job_npx npx
`;

const ZSH = `#compdef run-job
# run-job's completion for zsh: source <(run-job completion zsh), or a file _run-job in a folder of $fpath
_run_job_words() {
  # $1: how many words the program takes; the others: the program
  local skip=$1; shift
  local -a replies
  replies=(\${(f)"$("$@" completion zsh --words="\${(F)words[skip+1,CURRENT]}" 2>/dev/null)"})
  compadd -S '' -- \${(M)replies:#*=}
  compadd -- \${replies:#*=}
}
_run_job() { _run_job_words 1 "\${words[1]}"; }
_run_job_npx() {
  if [[ "\${words[2]-}" == run-job ]] && (( CURRENT > 2 )); then
    if [[ -x node_modules/.bin/run-job ]]; then _run_job_words 2 node_modules/.bin/run-job; else _run_job_words 2 npx --no run-job; fi
  elif [[ -n "\${_run_job_npx_before-}" ]]; then "$_run_job_npx_before" "$@"
  else compadd -- node_modules/.bin/*(N:t); _files; fi
}
if [[ "\${funcstack[1]}" == _run-job ]]; then _run_job "$@"; else compdef _run_job run-job; fi
if [[ "\${_comps[npx]-}" != _run_job_npx ]]; then _run_job_npx_before="\${_comps[npx]-}"; fi
compdef _run_job_npx npx
`;

const FISH = `# run-job's completion for fish: run-job completion fish | source
function __run_job_words
    set -l before (commandline -opc)
    set -l program $before[1]
    set -l first 2
    if test "$program" = npx
        set first 3
        set program npx --no run-job
        test -x node_modules/.bin/run-job; and set program node_modules/.bin/run-job
    end
    set -l text ""
    for word in $before[$first..]
        set text "$text$word"\\n
    end
    $program completion fish --words="$text"(commandline -ct | string collect --allow-empty) 2>/dev/null
end
function __run_job_by_npx
    set -l before (commandline -opc)
    test (count $before) -ge 2; and test "$before[2]" = run-job
end
complete -c run-job -f -a '(__run_job_words)'
complete -c npx -n __run_job_by_npx -f -a '(__run_job_words)'
`;

/** The script of each shell, by the shell's name. */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
