# bash completion of bondsim. It asks the command itself what there is, so that it holds for every version.
_bondsim() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} commands=() word
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    commands+=("$word")
    [[ $word == trace ]] || break
    [[ ${#commands[@]} -lt 2 ]] || break
  done
  local help
  help=$("$program" "${commands[@]}" --help 2>/dev/null) || return
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(grep -oE -- '(^| |,)--?[a-z][a-z-]*' <<<"$help" | tr -d ' ,')" -- "$cur"))
    return
  fi
  # What an option allows stands in braces behind it: --trace {commands,tasks}.
  local choices
  choices=$(grep -E -- "^ +([^ ]+,)?$prev[ ,]" <<<"$help" | grep -oE '\{[^}]*\}' | head -n 1 | tr -d '{}' | tr ',' ' ')
  if [[ $prev == --* && -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    return
  fi
  local words
  words=$(sed -n '/^Subcommands:/,/^[^ ]/p' <<<"$help" | sed -n 's/^  \([a-z][a-z-]*\).*/\1/p')
  case "${commands[0]}" in
    run | map | replay | dram | check-trace | estimate | validate | dse)
      [[ $cur != */* || $cur == experiment/* || $cur == system/* || $cur == space/* || $cur == serving/* ]] &&
        words+=" $("$program" list 2>/dev/null | sed -n 's/^\(\(experiment\|system\|space\|serving\)\/[^ ]*\).*/\1/p')"
      ;;
    schema | list) words+=" $("$program" schema 2>/dev/null | sed -n 's/^\([a-z]*\) files:.*/\1/p')" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur") $(compgen -f -- "$cur"))
  compopt -o filenames 2>/dev/null
}
complete -F _bondsim bondsim
