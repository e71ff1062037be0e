"""`kedge completion`: scripts that complete commands, options and the names of apps."""

from __future__ import annotations

import click

from kedge.cli.screen import show

# Click's own script for bash reads COMP_WORDS, which bash splits at the colon in our names.
_BASH = """\
_kedge_completion() {
    local IFS=$'\\n' line="${COMP_LINE:0:$COMP_POINT}" answer value cut
    local count; count=$(IFS=' '; set -f; set -- $line; echo $#)
    [[ $line == *[[:space:]] ]] || count=$((count - 1))
    local current=""; [[ $line == *[[:space:]] ]] || current="${line##*[[:space:]]}"
    cut=""; [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && cut="${current%"${current##*:}"}"
    COMPREPLY=()
    for answer in $(COMP_WORDS="$line" COMP_CWORD=$count _KEDGE_COMPLETE=bash_complete kedge); do
        value="${answer#*,}"
        COMPREPLY+=("${value#"$cut"}")
    done
}
complete -o default -F _kedge_completion kedge
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: `echo 'eval "$(kedge completion bash)"' >> ~/.bashrc`, likewise for zsh;
    for fish: `kedge completion fish > ~/.config/fish/completions/kedge.fish`.
    """
    from click.shell_completion import FishComplete, ZshComplete  # only here

    if shell == "bash":
        show(_BASH)
        return
    made = {"zsh": ZshComplete, "fish": FishComplete}[shell]
    show(made(context.find_root().command, {}, "kedge", "_KEDGE_COMPLETE").source())
