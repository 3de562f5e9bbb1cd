"""``ptlint completion``: what bash, zsh and fish complete, made from the parsers of the commands."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptlint.cli._options import Described, Option

SUMMARY = "Print the completion script of a shell."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the shell."""
    parser.add_argument("shell", metavar="SHELL", choices=sorted(SHELLS), help="bash, zsh or fish")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from ptlint.cli._options import described

    print("\n".join(SHELLS[arguments.shell](tuple(described()))))
    return 0


def _bash(commands: "Sequence[Described]") -> Iterator[str]:
    """Yield a function for ``complete -F``: commands first, then options, choices of the option before, or files."""
    yield from (
        '# bash completion of ptlint; put it where bash looks, or: eval "$(ptlint completion bash)"',
        "_ptlint() {",
        '\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} list=""',
        '\tif [ "$word" = "=" ]; then word=""; elif [ "$before" = "=" ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi',
        '\tif [ "$COMP_CWORD" -eq 1 ]; then',
        f'\t\tCOMPREPLY=($(compgen -W "{_names(commands)} --help --version" -- "$word"))',
        "\t\treturn",
        "\tfi",
        '\tcase "${COMP_WORDS[1]} $before" in',
    )
    for command in commands:
        for option in command.options:
            for name in option.names if option.choices else ():
                yield f'\t{_quoted(f"{command.name} {name}")}) list="{" ".join(option.choices)}" ;;'
    yield from ("\tesac", '\tif [ -z "$list" ]; then', '\t\tcase "${COMP_WORDS[1]}" in')
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        choices = " ".join(choice for option in command.words for choice in option.choices)
        yield f'\t\t{command.name}) [[ $word == -* ]] && list="{names}" || list="{choices}" ;;'
    yield from (
        "\t\tesac",
        "\tfi",
        '\tCOMPREPLY=($(compgen -W "$list" -- "$word"))',
        "}",
        "complete -o default -o bashdefault -F _ptlint ptlint",
    )


def _zsh(commands: "Sequence[Described]") -> Iterator[str]:
    """Yield a function for ``compdef``, in the words of ``_arguments``."""
    yield from (
        "#compdef ptlint",
        '# zsh completion of ptlint; put it into a folder of $fpath as _ptlint, or: eval "$(ptlint completion zsh)"',
        "_ptlint() {",
        "\tlocal -a commands",
        "\tcommands=(",
    )
    yield from (f"\t\t{_quoted(f'{command.name}:{command.summary}')}" for command in commands)
    yield from (
        "\t)",
        "\tif (( CURRENT == 2 )); then",
        "\t\t_describe command commands",
        "\t\treturn",
        "\tfi",
        "\tshift words",
        "\t(( CURRENT-- ))",
        '\tcase "$words[1]" in',
    )
    for command in commands:
        yield f"\t{command.name})"
        specs = [spec for option in command.options for spec in _zsh_option(option)]
        for word in command.words:
            what = f"({' '.join(word.choices)})" if word.choices else "_files"
            specs.append(_quoted(f"{'*' if word.is_rest else ''}:{_zsh_text(word.value)}:{what}"))
        yield "\t\t_arguments -s " + " \\\n\t\t\t".join(specs) + " ;;"
    yield from ("\tesac", "}", 'if [ "$funcstack[1]" = _ptlint ]; then _ptlint "$@"; else compdef _ptlint ptlint; fi')


def _zsh_option(option: "Option") -> Iterator[str]:
    action = f"({' '.join(option.choices)})" if option.choices else "_files" if option.is_path else " "
    for name in option.names:
        value = f":{_zsh_text(option.value)}:{action}" if option.value else ""
        equals = "=" if option.value and name.startswith("--") else ""
        yield _quoted(f"*{name}{equals}[{_zsh_text(option.help)}]{value}")


def _zsh_text(text: str) -> str:
    return "".join(f"\\{char}" if char in "[]:\\" else char for char in text)


def _fish(commands: "Sequence[Described]") -> Iterator[str]:
    """Yield ``complete`` commands."""
    yield "# fish completion of ptlint; put it into ~/.config/fish/completions/ptlint.fish"
    for command in commands:
        first = "-n __fish_use_subcommand"
        yield f"complete -c ptlint -f {first} -a {_quoted(command.name)} -d {_quoted(command.summary)}"
    for command in commands:
        condition = f"-n {_quoted(f'__fish_seen_subcommand_from {command.name}')}"
        for option in command.options:
            yield f"complete -c ptlint {condition} {_fish_option(option)} -d {_quoted(option.help)}"
        for word in command.words:
            if word.choices:
                yield f"complete -c ptlint -f {condition} -a {_quoted(' '.join(word.choices))}"


def _fish_option(option: "Option") -> str:
    words = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
    if option.choices:
        words.append(f"-x -a {_quoted(' '.join(option.choices))}")
    elif option.value:
        words.append("-r" if option.is_path else "-x")
    return " ".join(words)


def _names(commands: "Sequence[Described]") -> str:
    return " ".join(command.name for command in commands)


def _quoted(text: str) -> str:
    """Return *text* as one word of a shell; a quote in it becomes a typographic one, which needs no escape."""
    return "'" + text.replace("'", "’") + "'"


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
