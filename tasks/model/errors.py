"""The errors that one package raises and another handles, with one root.

    OverheadError
    ├── InputError         wrong input: a file, a key, what is wrong, what was expected   (exit 2)
    │   └── InputErrors    several of them, all reported at once
    ├── EnvironmentErrors  the errors of several environments, all reported
    ├── HostsBusy          another campaign holds a host; its holder                      (exit 75)
    ├── HostNotClean       a tool left residue on a host
    ├── BudgetBroken       a budget file's limit is exceeded                              (exit 3)
    ├── ParseError         a program's output that cannot be trusted: source and reason
    ├── DatasetError       a dataset that cannot be read or written as asked
    └── RemoteError        something on a host: host, command, status, tail of stderr
        ├── Unreachable        no connection
        ├── HostKeyRejected    unknown or changed host key; never retried
        ├── AuthRejected       the host refused our key
        ├── TransportLost      the connection ended while a command ran
        └── CommandFailed      the command ended with a failure

All errors can be pickled, so that they pass between processes unchanged.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any


class OverheadError(Exception):
    """Root of all errors that the project raises on purpose."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    kind: type[OverheadError], args: tuple[Any, ...], state: dict[str, Any]
) -> OverheadError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class InputError(OverheadError):
    """Something a person wrote is wrong. One line: place, key, problem, what is expected."""

    exit_code = 2

    def __init__(self, where: str, key: str, problem: str, expected: str = "") -> None:
        self.where, self.key, self.problem, self.expected = where, key, problem, expected
        place = f"{where}: {key}" if key else where
        tail = f"; expected {expected}" if expected else ""
        super().__init__(f"{place}: {problem}{tail}")

    @property
    def errors(self) -> "tuple[InputError, ...]":
        """The mistakes that this error stands for, one error each."""
        return (self,)


class InputErrors(InputError):
    """Several mistakes in one input, reported together so that a person can correct all at once."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        self._errors = tuple(errors)
        first = self._errors[0]
        self.where, self.key = first.where, first.key
        self.problem, self.expected = first.problem, first.expected
        OverheadError.__init__(self, "\n".join(str(error) for error in self._errors))

    @property
    def errors(self) -> tuple[InputError, ...]:
        return self._errors


def one_of(known: Iterable[str], wrong: str = "") -> str:
    """`one of a, b`: the known names that resemble the wrong one, or all of them; "" for none."""
    names = list(known)
    holding = [name for name in names if wrong and wrong in name]
    near = list(dict.fromkeys([*holding, *get_close_matches(wrong, names)]))
    return f"one of {', '.join(near or names)}" if names else ""


def raise_all(errors: Sequence[InputError]) -> None:
    """Raises nothing, the one error, or all of them together."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InputErrors(errors)


class EnvironmentErrors(OverheadError):
    """The errors of several environments of a campaign. The exit code is that of the first."""

    def __init__(self, errors: Sequence[OverheadError]) -> None:
        self.errors = tuple(errors)
        self.exit_code = errors[0].exit_code
        super().__init__("\n".join(str(error) for error in errors))


class HostsBusy(OverheadError):
    """Another campaign holds the lock of a host."""

    exit_code = 75

    def __init__(self, host: str, holder: str) -> None:
        self.host, self.holder = host, holder
        super().__init__(f"{host}: busy, held by {holder or 'an unnamed holder'}")


class HostNotClean(OverheadError):
    """A tool left residue: nothing is measured on that host until the residue is gone."""

    def __init__(self, node: str, case: str, residue: Sequence[str]) -> None:
        self.node = node
        super().__init__(f"{node}: {case} left residue: {'; '.join(residue[:5])}")


class BudgetBroken(OverheadError):
    """A measured cost exceeds the budget a file sets for it."""

    exit_code = 3


class ParseError(OverheadError):
    """A program's output that cannot be trusted as a measurement."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")


class DatasetError(OverheadError):
    """A dataset that cannot be read or written as asked; its previous content is unchanged."""

    exit_code = 2


class RemoteError(OverheadError):
    """Something went wrong on a host, or on the way to it."""

    def __init__(
        self,
        host: str,
        problem: str,
        *,
        command: str = "",
        status: int | None = None,
        stderr: str = "",
    ) -> None:
        self.host, self.problem, self.command = host, problem, command
        self.status, self.stderr_tail = status, stderr[-2000:]
        parts = [f"{host}: {problem}"]
        if command:
            parts.append(f"command: {command}")
        if status is not None:
            parts.append(f"status {status}")
        if self.stderr_tail.strip():
            parts.append(f"stderr: …{self.stderr_tail.strip()[-400:]}")
        super().__init__("; ".join(parts))


class Unreachable(RemoteError):
    """No connection to the host."""

    exit_code = 2


class HostKeyRejected(RemoteError):
    """The host's key is unknown or changed. Never retried; no option ignores it."""

    exit_code = 2


class AuthRejected(RemoteError):
    """The host refused the key we offered."""

    exit_code = 2


class TransportLost(RemoteError):
    """The connection ended while a command ran: how far it got is unknown."""


class CommandFailed(RemoteError):
    """The command ran to its end and failed."""
