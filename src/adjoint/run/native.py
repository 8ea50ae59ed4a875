"""LLVM at work: text to machine code in this process.

Nothing here is imported before a program is compiled; where llvmlite is missing or does not
work, ``available`` says why and programs are interpreted.
"""

from __future__ import annotations

import ctypes
import importlib
from functools import lru_cache
from typing import Any

from adjoint.lower.entry import ENTRY
from adjoint.lower.module import PROGRAM, WORKER
from adjoint.run import symbols

_LONG_TEXT = 50_000  # characters of a function that is translated as it stands


@lru_cache(maxsize=1)
def available() -> str:
    """Empty if machine code can be made here, else the reason why not."""
    try:
        _target()
    except Exception as error:  # any failure of a native library means: do without
        return f"{type(error).__name__}: {error}"
    return ""


@lru_cache(maxsize=1)
def _target() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm, _machine(llvm)


def _machine(llvm: Any) -> Any:
    """A target machine for this processor; its features count more than its name."""
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="jitdefault",
    )


@lru_cache(maxsize=1)
def processor() -> tuple[str, frozenset[str]]:
    """The processor's name and the features that it has."""
    llvm, _ = _target()
    found = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), frozenset(name for name, on in found.items() if on)


@lru_cache(maxsize=1)
def identity() -> tuple[str, ...]:
    """What machine code depends on besides its text: processor, features, versions."""
    import llvmlite

    llvm, machine = _target()
    version = ".".join(map(str, llvm.llvm_version_info))
    features = llvm.get_host_cpu_features().flatten()
    return machine.triple, llvm.get_host_cpu_name(), features, version, llvmlite.__version__


def optimise(text: str) -> Any:
    """Parse a module and run the passes that pay.

    Vectors, fusion and hoisting are written out already, so what is left for LLVM is
    inlining and the simplification of functions; its whole pipeline takes three times as
    long and its code is no faster (docs/decisions/0012).
    """
    llvm, machine = _target()
    module = llvm.parse_assembly(text)
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    first = llvm.create_new_module_pass_manager()
    first.add_always_inliner_pass()
    first.add_global_dead_code_eliminate_pass()
    first.run(module, builder)
    passes = builder.getFunctionPassManager()
    for function in module.functions:
        if function.is_declaration:
            continue
        if function.name in (ENTRY, PROGRAM, WORKER) and len(str(function)) > _LONG_TEXT:
            # It calls one step after another: no work is done in it that could be faster.
            function.add_function_attribute("noinline")
            function.add_function_attribute("optnone")
        passes.run(function, builder)
    return module


def assembly(module: Any) -> str:
    """The machine code as text."""
    _, machine = _target()
    text: str = machine.emit_assembly(module)
    return text


def object_code(module: Any) -> bytes:
    """The machine code as an object file."""
    _, machine = _target()
    code: bytes = machine.emit_object(module)
    return code


def load_text(text: str, *symbols: str) -> tuple[Any, ...]:
    """Compile a small module; returns what keeps it alive and its functions' addresses."""
    llvm, _ = _target()
    # Checks and calls: they run as fast without LLVM's care, which takes three times as long.
    own = llvm.Target.from_default_triple().create_target_machine(
        opt=0, reloc="pic", codemodel="jitdefault"
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), own)
    engine.finalize_object()
    return engine, *[engine.get_function_address(symbol) for symbol in symbols]


class MissingSymbolError(RuntimeError):
    """Machine code calls a function that this process does not have."""


class Loaded:
    """Machine code in memory; it stays as long as this object."""

    def __init__(self, code: bytes, routines: set[str]) -> None:
        llvm, _ = _target()
        for name in routines:
            symbol = name if "." in name else f"adjoint_{name}"
            llvm.add_symbol(symbol, routine_address(name))
        absent = symbols.missing(code, llvm)
        if absent:
            raise MissingSymbolError(f"machine code needs {', '.join(absent)}")
        # An engine takes ownership of its target machine, so each needs its own.
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(llvm))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function of the code begins."""
        address: int = self._engine.get_function_address(name)
        return address

    def shared_function(self, name: str) -> Any:
        """A function that is also given the number of its thread, and of all threads."""
        address = self.address(name)
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        return ctypes.CFUNCTYPE(number, pointer, pointer, number, number)(address)

    def function(self, name: str, pointers: int, arrays: int = 0) -> Any:
        """A function of the code, to be called with array objects and then addresses."""
        address = self.address(name)
        kinds = [ctypes.py_object] * arrays + [ctypes.c_void_p] * pointers
        return ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(address)


_HOMES = {
    "blas": "scipy.linalg.cython_blas",
    "lapack": "scipy.linalg.cython_lapack",
    "special": "scipy.special.cython_special",
}


@lru_cache(maxsize=256)
def routine_address(name: str) -> int:
    """The address of a compiled routine of SciPy: ``dgemm``, ``lapack.dpotrf``, ``special.j0``."""
    home, _, plain = name.rpartition(".")
    capsule = importlib.import_module(_HOMES[home or "blas"]).__pyx_capi__[plain]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address: int = get_pointer(capsule, get_name(capsule))
    return address
