"""Different optimisers for different parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adjoint import tree
from adjoint.errors import StructureError
from adjoint.optim.optimizer import Optimizer, State, as_optimizer
from adjoint.optim.paths import matches, names


class Groups(Optimizer):
    """Different optimisers for different parameters.

    Args:
        groups: pairs of a rule and an optimiser. A rule is a pattern of paths, ``*`` for any
            text, or a function of path and array. The first that fits decides; an optimiser of
            None leaves its parameters as they are.
    """

    groups: tuple[tuple[str | Callable[[str, Any], bool], Optimizer | None], ...]

    def __post_init__(self) -> None:
        """Refuse what is no optimiser."""
        if not self.groups:
            raise StructureError(
                "there are no groups",
                function="groups",
                got="{}",
                wanted='pairs of a pattern and an optimiser, such as {"*": optim.sgd(0.1)}',
            )
        made = [(rule, m if m is None else as_optimizer(m, "groups")) for rule, m in self.groups]
        object.__setattr__(self, "groups", tuple(made))

    def _members(self, parameters: Any) -> list[int]:
        """For each leaf the number of its group."""
        members = []
        for path, leaf in zip(names(parameters), tree.leaves(parameters), strict=True):
            for number, (rule, _) in enumerate(self.groups):
                fits = matches(path, (rule,)) if isinstance(rule, str) else rule(path, leaf)
                if fits:
                    members.append(number)
                    break
            else:
                raise StructureError(
                    f"no group takes the parameter {path!r}",
                    function="groups",
                    remedy='end with a group for the rest: {..., "*": optim.sgd(0.1)}',
                )
        return members

    def _parts(self, members: list[int], values: Any) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{} for _ in self.groups]
        for number, path, leaf in zip(
            members, tree.paths(values), tree.leaves(values), strict=True
        ):
            parts[number][path] = leaf
        return parts

    def init(self, parameters: Any) -> State:
        """One state for each group."""
        parts = self._parts(self._members(parameters), parameters)
        return {
            f"group{number}": method.init(part)
            for number, ((_, method), part) in enumerate(zip(self.groups, parts, strict=True))
            if method is not None
        }

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        """One step for each group."""
        members = self._members(parameters)
        new: dict[str, Any] = {}
        new_state = {}
        rows = zip(
            self.groups,
            self._parts(members, gradients),
            self._parts(members, parameters),
            strict=True,
        )
        for number, ((_, method), slopes, part) in enumerate(rows):
            name = f"group{number}"
            if method is not None:
                part, new_state[name] = method.update(slopes, state[name], part)
            new.update(part)
        leaves = [new[path] for path in tree.paths(parameters)]
        return tree.unflatten(tree.structure(parameters), leaves), new_state

    def observe(self, state: State, value: Any) -> State:
        """Every group takes note."""
        return {
            f"group{number}": method.observe(state[f"group{number}"], value)
            for number, (_, method) in enumerate(self.groups)
            if method is not None
        }

    def evaluation(self, state: State, parameters: Any) -> Any:
        """What each group evaluates with."""
        parts = self._parts(self._members(parameters), parameters)
        new: dict[str, Any] = {}
        for number, ((_, method), part) in enumerate(zip(self.groups, parts, strict=True)):
            new.update(part if method is None else method.evaluation(state[f"group{number}"], part))
        leaves = [new[path] for path in tree.paths(parameters)]
        return tree.unflatten(tree.structure(parameters), leaves)


def groups(rules: Mapping[str, Optimizer | None]) -> Groups:
    """Different optimisers by path, the first pattern that fits decides.

    Args:
        rules: patterns of paths, ``*`` for any text, and their optimisers; None freezes.

    >>> from adjoint import optim
    >>> method = optim.groups({"*bias": optim.sgd(0.01), "*": optim.adam(1e-3)})
    """
    if not isinstance(rules, Mapping):
        raise StructureError(
            "groups come by pattern",
            function="groups",
            got=f"a {type(rules).__name__}",
            wanted='a dict such as {"*bias": optim.sgd(0.01), "*": optim.adam(1e-3)}',
        )
    return Groups(tuple(rules.items()))
