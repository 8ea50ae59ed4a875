"""Writing the loops of kernels: counted, in vectors, or a part of one for a thread or a tile."""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower.emit import Emitter, Reg, Scope, Vector
from adjoint.lower.index import ZERO, Index, Var, var_index


class LoopWriter(Emitter):
    """An emitter that opens and closes loops; what is inside is written by the functions given."""

    def loop(
        self,
        extent: int,
        body: Callable[[Index], None],
        step: int = 1,
        shared: bool = False,
        before: int | None = None,
        between: tuple[str, str] | None = None,
    ) -> None:
        """``for var in range(0, extent, step): body(var)``; extent a multiple of step.

        A shared loop runs from ``%begin`` to ``%end``, counted in steps: this thread's part.
        One that is a piece of a longer loop is given the number of steps before it there.
        One between two registers runs from the first to the second, multiples of the step.
        """
        if extent <= 0:
            return
        if extent == step and not (shared or between):
            body(ZERO)
            return
        tag = self.fresh("L")[1:]
        var = Var(f"%{tag}", extent, self.level + 1)
        self.scopes.append(Scope())
        try:
            body(var_index(var))
        finally:
            scope = self.scopes.pop()
        first, stop, guard = "0", str(extent), f"br label %{tag}.head"
        if shared:
            first, stop = f"%{tag}.start", f"%{tag}.stop"
            for name, end in ((first, "%begin"), (stop, "%end")):
                if before is not None:
                    end = self._within(end, before, extent // step)
                self.line(f"{name} = mul nuw nsw i64 {end}, {step}")
        elif between:
            first, stop = between
        if shared or between:
            self.line(f"%{tag}.any = icmp ult i64 {first}, {stop}")
            guard = f"br i1 %{tag}.any, label %{tag}.head, label %{tag}.exit"
        self.scopes[-1].lines += [
            f"br label %{tag}.pre",
            f"{tag}.pre:",
            guard,
            f"{tag}.head:",
            f"{var.name} = phi i64 [ {first}, %{tag}.pre ], [ {var.name}.next, %{tag}.latch ]",
            *scope.lines,
            f"br label %{tag}.latch",
            f"{tag}.latch:",
            f"{var.name}.next = add nuw nsw i64 {var.name}, {step}",
            f"{var.name}.more = icmp ult i64 {var.name}.next, {stop}",
            f"br i1 {var.name}.more, label %{tag}.head, label %{tag}.exit",
            f"{tag}.exit:",
        ]

    def _within(self, steps: str, before: int, count: int) -> str:
        """A number of steps of a longer loop as one of a piece of ``count`` steps."""
        self.declare("@llvm.umax.i64", "declare i64 @llvm.umax.i64(i64, i64)")
        self.declare("@llvm.umin.i64", "declare i64 @llvm.umin.i64(i64, i64)")
        late, moved, found = (self.fresh("w") for _ in range(3))
        self.line(f"{late} = call i64 @llvm.umax.i64(i64 {steps}, i64 {before})")
        self.line(f"{moved} = sub nuw nsw i64 {late}, {before}")
        self.line(f"{found} = call i64 @llvm.umin.i64(i64 {moved}, i64 {count})")
        return found

    def when(self, condition: str, body: Callable[[], None]) -> None:
        """Run something only if a flag holds; nothing made inside is known outside."""
        tag = self.fresh("if")[1:]
        self.scopes.append(Scope())
        try:
            body()
        finally:
            scope = self.scopes.pop()
        self.scopes[-1].lines += [
            f"br i1 {condition}, label %{tag}.do, label %{tag}.end",
            f"{tag}.do:",
            *scope.lines,
            f"br label %{tag}.end",
            f"{tag}.end:",
        ]

    def vector_loop(
        self,
        extent: int,
        lanes: int,
        body: Callable[[Index], None],
        start: int = 0,
        shared: bool = False,
        piece: bool = False,
        between: tuple[str, str] | None = None,
    ) -> None:
        """``for var in range(start, extent)`` in steps of ``lanes``, and what is left over.

        Of a part of a loop, what is left over belongs to the one for which ``%last`` holds.
        With masked loads in hardware the rest is one step with some lanes off; otherwise
        ever narrower steps.
        """
        outer = self.vector
        whole = extent - (extent - start) % lanes

        def step(index: Index) -> None:
            body(self.lanes_from(index + start, lanes, lanes))

        def rest() -> None:
            done = whole
            while done < extent:
                left = extent - done
                narrow = 1
                while narrow * 2 <= left:
                    narrow *= 2
                mask = None
                if narrow < left and "avx512vl" in self.features:
                    narrow *= 2
                    on = ", ".join(f"i1 {'true' if k < left else 'false'}" for k in range(narrow))
                    mask = Reg(f"<{on}>", "i1", narrow, 0)
                body(self.lanes_from(Index(done), narrow, left, mask))
                done += narrow

        self.loop(whole - start, step, lanes, shared, 0 if piece else None, between)
        if (shared or between) and whole < extent:
            self.when("%last", rest)
        else:
            rest()
        self.vector = outer

    def lanes_from(self, first: Index, lanes: int, used: int, mask: Reg | None = None) -> Index:
        """Make the lanes stand for ``first, first + 1, ...`` from here on; lane 0's index."""
        var = next((a for a in first.terms if isinstance(a, Var)), None)
        if var is None or lanes == 1:
            # A variable of its own that is always 0: it tells lanes from scalars.
            key = ("lane", first, lanes, used)
            marker = self.recall(key)
            if marker is None:
                marker = Var("%lane", max(used, 1), self.level)
                self.remember(key, marker, self.level)
            self.vector = Vector(marker, lanes, mask, min(used, lanes))
            return first + Index(0, {marker: 1}) if lanes > 1 else first
        self.vector = Vector(var, lanes, mask, lanes, lanes)
        return first
