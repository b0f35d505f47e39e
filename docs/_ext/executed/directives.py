"""The directives ``ground``, ``file``, ``example`` and ``console``.

Invariant: a directive that could not do what it says is an error of the build, and the rest of its page does not run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from executed.background import Background
from executed.blocks import EXECUTED
from executed.masks import MaskError, masked
from executed.session import ExampleError, Session, Sessions, current, require

_FAULTS = (ExampleError, MaskError, TimeoutError, subprocess.TimeoutExpired, ValueError, OSError)


def _names(argument: str | None) -> list[str]:
    return (argument or "").replace(",", " ").split()


class _Executed(SphinxDirective):
    """What all four share: the session of the page, and what a failure means."""

    has_content = True

    @property
    def sessions(self) -> Sessions:
        return current()

    @property
    def session(self) -> Session:
        return self.sessions.of(self.env.docname)

    def run(self) -> list[nodes.Node]:
        page = self.env.docname
        if page in self.sessions.failed:
            raise self.error("not executed: an example before it failed")
        try:
            return self._execute()
        except _FAULTS as error:
            self.sessions.failed.add(page)
            raise self.error(f"example failed: {error}") from None

    def _execute(self) -> list[nodes.Node]:
        raise NotImplementedError

    @property
    def text(self) -> str:
        return "\n".join(self.content) + "\n"

    def block(self, text: str, language: str, *classes: str) -> nodes.Node:
        node = nodes.literal_block(
            text.rstrip("\n"), text.rstrip("\n"), language=language, classes=[EXECUTED, *classes]
        )
        self.set_source_info(node)
        return node

    def shown(self, text: str) -> str:
        """An output as it may be shown."""
        return masked(text, _names(self.options.get("mask")), _names(self.options.get("keep")))


class Ground(_Executed):
    """``{ground}``: the page's commands find a cluster and are in a new namespace; readers are told to make one."""

    has_content = False
    option_spec: ClassVar = {
        "namespace": directives.unchanged_required,
        "others": directives.unchanged,
        "fresh": directives.flag,
    }

    def _execute(self) -> list[nodes.Node]:
        namespace = self.options.get("namespace", "")
        require(namespace, "a ground has a :namespace:")
        kubeconfig = self.session.home / ".kube" / "config"
        self.sessions.plane.kubeconfig(self.env.docname, namespace, _names(self.options.get("others")), kubeconfig)
        if "fresh" in self.options:
            self.session.make_fresh(self.sessions.wheel)
        names = [namespace, *_names(self.options.get("others"))]
        commands = [f"$ kubectl create namespace {name}" for name in names]
        commands += [f"$ kubectl config set-context --current --namespace {namespace}"]
        told = nodes.paragraph("", "To follow along, make the namespace of this page, and choose it:")
        return [nodes.tip("", told, self.block("\n".join(commands), "console"))]


class File(_Executed):
    """``{file} name``: the content is shown, and is a file of the page's folder; without content, one of this tree.

    ``:append:`` adds the content to that file.
    """

    required_arguments = 1
    option_spec: ClassVar = {
        "from": directives.unchanged_required,
        "hidden": directives.flag,
        "append": directives.flag,
    }

    def _execute(self) -> list[nodes.Node]:
        (name,) = self.arguments
        text = self.text
        if source := self.options.get("from"):
            require(not self.content, "a file has content or :from:, not both")
            path = Path(self.env.srcdir).parent / source
            self.env.note_dependency(str(path))
            text = path.read_text("utf-8")
        self.session.write(name, text, appended="append" in self.options)
        if "hidden" in self.options:
            return []
        language = {"py": "python", "yml": "yaml", "sh": "bash"}.get(Path(name).suffix[1:], Path(name).suffix[1:])
        caption = nodes.caption(name, "", nodes.literal(name, name))
        container = nodes.container("", caption, self.block(text, language), literal_block=True)
        container["classes"].append("literal-block-wrapper")
        return [container]


class Example(_Executed):
    """``{example}``: Python in the page's namespace, and below it what it printed."""

    option_spec: ClassVar = {
        "mask": directives.unchanged,
        "keep": directives.unchanged,
        "raises": directives.unchanged_required,
        "name": directives.unchanged_required,
        "hidden": directives.flag,
        "only-output": directives.unchanged,
    }

    def _execute(self) -> list[nodes.Node]:
        answer = self.session.python(self.text, self.options.get("name", "__main__"))
        self.sessions.executed += 1
        expected = self.options.get("raises", "")
        require(answer["raised"] == expected, answer["trace"] or f"{expected} was not raised")
        require(not answer["err"], f"it printed on stderr:\n{answer['err']}")
        last = answer["trace"].rstrip().rpartition("\n")[2]
        output = self.shown(answer["out"] + (f"{last}\n" if expected else ""))
        if "hidden" in self.options:
            return []
        if "only-output" in self.options:
            require(output, "it printed nothing")
            return [self.block(output, self.options["only-output"] or "text", "output")]
        code = self.block(self.text, "python")
        return [code, self.block(output, "text", "output")] if output else [code]


class Console(_Executed):
    """``{console}``: commands behind ``$``, each with what it printed below it."""

    option_spec: ClassVar = {
        "mask": directives.unchanged,
        "keep": directives.unchanged,
        "exit": directives.unchanged_required,
        "background": directives.unchanged,
        "of": directives.unchanged_required,
        "until": directives.unchanged_required,
        "stop": directives.flag,
        "kill": directives.flag,
        "hidden": directives.flag,
        "unrun": directives.unchanged_required,
    }

    def _execute(self) -> list[nodes.Node]:
        commands = list(self._commands())
        if "unrun" in self.options:
            return [self.block(self.text, "console")]
        printed = "".join(self._dialogue(commands))
        self.sessions.executed += 1
        text = self.shown(printed)
        return [] if "hidden" in self.options else [self.block(text, "console")]

    def _codes(self, count: int) -> list[int]:
        """The exit codes: given for each command, or for the last one alone."""
        given = [int(code) for code in _names(self.options.get("exit", "0"))]
        require(len(given) in {1, count}, "an exit code for each command, or one for the last")
        return given if len(given) == count else [0] * (count - 1) + given

    @property
    def _name(self) -> str:
        """Of the command that goes on, where a page has several."""
        return self.options.get("background") or self.options.get("of") or ""

    def _commands(self) -> Iterator[str]:
        command = ""
        for line in self.content:
            if command.endswith("\\"):
                command += "\n" + line
                continue
            if command:
                yield command
            require(
                line.startswith("$ "), f"a line of a console begins with '$ ', or follows one that ends with \\: {line}"
            )
            command = line.removeprefix("$ ")
        if command:
            yield command

    def _dialogue(self, commands: list[str]) -> Iterator[str]:
        last, running = len(commands) - 1, self.session.background
        codes = self._codes(len(commands))
        for at, command in enumerate(commands):
            yield f"$ {command}\n"
            if at == last and "background" in self.options:
                require(self._name not in running, "a command of this name goes on already; stop it first")
                running[self._name] = Background(command, self.session.folder, self.session.environment)
                continue
            code, printed = self.session.command(command)
            wanted = codes[at]
            require(code == wanted, f"{command}: exit code {code} instead of {wanted}:\n{printed}")
            yield printed if not printed or printed.endswith("\n") else f"{printed}\n"
        yield from self._of_background()

    def _of_background(self) -> Iterator[str]:
        if not {"until", "stop", "kill"} & {*self.options}:
            return
        require(self._name in self.session.background, f"no command {self._name!r} goes on")
        running = self.session.background[self._name]
        if "until" in self.options:
            yield self._marked(running.until(self.options["until"]))
        if "kill" in self.options:
            self.session.background.pop(self._name).kill()
        if "stop" in self.options:
            code, rest = running.stop()
            del self.session.background[self._name]
            require(code == 0, f"{running.command}: exit code {code} when it was stopped:\n{rest}")
            yield self._marked(rest)

    def _marked(self, printed: str) -> str:
        """Lines of one of several commands that go on, with its name."""
        if not self._name:
            return printed
        return "".join(f"[{self._name}] {line}" for line in printed.splitlines(keepends=True))
