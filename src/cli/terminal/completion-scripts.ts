// The completion scripts. Each hands the words up to the cursor, one a line, to the very program that is being completed.

const BASH = `# run-job's completion for bash: source <(run-job completion bash)
_run_job() {
  local IFS=$'\\n'
  # bash takes = for a word of its own: what stands before the cursor is put together from the line.
  local line="\${COMP_LINE:0:COMP_POINT}" word words=()
  IFS=$' \\t' read -r -a words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  word="\${words[\${#words[@]}-1]}"
  COMPREPLY=($("\${COMP_WORDS[0]}" completion bash --words="\${words[*]:1}" 2>/dev/null))
  # What stands before = is on the line already.
  if [[ "$word" == *=* ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${word%=*}="}"); fi
  if [[ "\${COMPREPLY[0]-}" == *= ]]; then compopt -o nospace; fi
}
complete -F _run_job run-job
`;

const ZSH = `#compdef run-job
# run-job's completion for zsh: source <(run-job completion zsh), or a file _run-job in a folder of $fpath
_run_job() {
  local -a replies
  replies=(\${(f)"$("\${words[1]}" completion zsh --words="\${(F)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -S '' -- \${(M)replies:#*=}
  compadd -- \${replies:#*=}
}
if [[ "\${funcstack[1]}" == _run-job ]]; then _run_job "$@"; else compdef _run_job run-job; fi
`;

const FISH = `# run-job's completion for fish: run-job completion fish | source
function __run_job_words
    set -l before (commandline -opc)
    set -l text ""
    for word in $before[2..]
        set text "$text$word"\\n
    end
    $before[1] completion fish --words="$text"(commandline -ct | string collect --allow-empty) 2>/dev/null
end
complete -c run-job -f -a '(__run_job_words)'
`;

/** The script of each shell, by the shell's name. */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
