"""LLVM at work: text to machine code in this process.

Nothing here is imported before a program is compiled; where llvmlite is missing or does not
work, ``available`` says why and programs are interpreted.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any


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
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="jitdefault"
    )
    return llvm, machine


@lru_cache(maxsize=1)
def processor() -> tuple[str, frozenset[str]]:
    """The processor's name and the features that it has."""
    llvm, _ = _target()
    found = llvm.get_host_cpu_features()
    return llvm.get_host_cpu_name(), frozenset(name for name, on in found.items() if on)


def optimise(text: str) -> Any:
    """Parse a module and run LLVM's passes."""
    llvm, machine = _target()
    module = llvm.parse_assembly(text)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = False  # vectors are written out
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
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


class Loaded:
    """Machine code in memory; it stays as long as this object."""

    def __init__(self, code: bytes, entry: str, routines: set[str]) -> None:
        llvm, _ = _target()
        for name in routines:
            llvm.add_symbol(f"adjoint_{name}", blas_address(name))
        # An engine needs a target machine of its own: it takes ownership.
        target = llvm.Target.from_default_triple()
        own = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=3,
            reloc="pic",
            codemodel="jitdefault",
        )
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), own)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        address = self._engine.get_function_address(entry)
        self.function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(address)


@lru_cache(maxsize=16)
def blas_address(name: str) -> int:
    """The address of a BLAS routine in SciPy's OpenBLAS."""
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__[name]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address: int = get_pointer(capsule, get_name(capsule))
    return address
