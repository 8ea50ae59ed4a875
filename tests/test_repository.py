"""Promises that belong to the repository as a whole rather than to any one module."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest

import adjoint as ad

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "adjoint"

IMPORT_SECONDS = 0.2
# The best of these runs counts: other work on the machine only ever adds time.
IMPORT_RUNS = 7
# Needed by some users, paid for by all if loaded at import.
NOT_AT_IMPORT = ("adjoint.cli", "click", "llvmlite", "matplotlib", "rich", "sklearn")

SOFT_LINES = 400
HARD_LINES = 500
# Files above the soft cap, each with the reason why splitting it would make it harder to read.
LONG_FILES: dict[str, str] = {
    "src/adjoint/differentiate/batch.py": "a table: one short rule for each primitive",
    "src/adjoint/differentiate/control.py": "forward rule and transpose stay together",
    "src/adjoint/differentiate/loops.py": "the sweeps of a loop refer to each other",
    "src/adjoint/lower/module.py": "one writer for each kind of step",
    "src/adjoint/lower/products_outer.py": "a tile's loops, its panel's and its end fit each other",
    "src/adjoint/lower/region.py": "one case for each kind of step",
    "src/adjoint/lower/schedule.py": "one decision for each kind of node",
    "src/adjoint/trace/array.py": "the stand-in has every attribute of ndarray",
    "src/adjoint/trace/calls/shapes.py": "a table: one short rule for each function",
    "src/adjoint/trace/recorder.py": "recorders, the plain one, and how operations reach them",
    "src/adjoint/trace/replacing.py": "names replaced: which, where they are held, when",
}

# Time of the importing thread: neither the tests beside this one nor the idle threads that BLAS
# starts for itself are to decide it.
_IMPORT_PROBE = """
import sys, time
start = time.thread_time()
import adjoint
seconds = time.thread_time() - start
import json
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules)}))
"""


def _import_in_a_fresh_process() -> dict[str, Any]:
    # -I: neither the working directory nor the environment can lend it a module.
    process = subprocess.run(
        [sys.executable, "-I", "-c", _IMPORT_PROBE], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def _repository_files() -> list[Path]:
    """The tracked files, or in an unpacked archive without git, every file that is not hidden."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"(^|/)(\.(?!ci/)|__pycache__/|build/|dist/|site/)")
        paths = [p for p in ROOT.rglob("*") if not hidden.search(p.relative_to(ROOT).as_posix())]
    return [path for path in paths if path.is_file()]


def _text_files() -> list[tuple[str, str]]:
    files = []
    for path in _repository_files():
        content = path.read_bytes()
        if b"\0" not in content:
            files.append((path.relative_to(ROOT).as_posix(), content.decode("utf-8")))
    return files


def _between_markers(name: str) -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(
        rf"<!-- {name}:start -->\n```bash\n(.*?)\n```\n<!-- {name}:end -->", readme, re.DOTALL
    )
    assert len(found) == 1, f"README.md must mark {name} exactly once, found {len(found)}"
    assert "\n" not in found[0], f"{name} must be a single line"
    return found[0]


def _dry_run() -> list[str]:
    process = subprocess.run(
        [str(ROOT / ".ci" / "run"), "--dry-run"], capture_output=True, text=True, check=True
    )
    return process.stdout.splitlines()


# --- import ----------------------------------------------------------------------------------


def test_import_is_fast():
    seconds = []
    for _ in range(IMPORT_RUNS):
        seconds.append(_import_in_a_fresh_process()["seconds"])
        if seconds[-1] < IMPORT_SECONDS:
            return
    pytest.fail(f"`import adjoint` took {min(seconds):.3f} s at best, allowed {IMPORT_SECONDS} s")


def test_import_loads_no_library_that_only_some_users_need():
    loaded = set(_import_in_a_fresh_process()["modules"])
    assert sorted(loaded.intersection(NOT_AT_IMPORT)) == []


# --- public names ----------------------------------------------------------------------------


def test_all_is_sorted_and_has_no_repeats():
    assert ad.__all__ == sorted(set(ad.__all__))


def test_every_name_in_all_can_be_reached():
    missing = [name for name in ad.__all__ if not hasattr(ad, name)]
    assert missing == []


def test_all_lists_every_public_name_the_package_binds():
    # Read from the source, not from vars(): a submodule loaded by another test becomes an
    # attribute of the package without anybody having made it public.
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    bound: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module in ("__future__", "typing"):
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            bound.add(statement.name)
        elif isinstance(statement, ast.Assign):
            bound |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            bound.add(statement.target.id)
    public = {name for name in bound if not name.startswith("_")}
    assert sorted(public - set(ad.__all__)) == []


def test_a_submodule_never_hides_a_public_function():
    # adjoint.trace is a package and ad.trace is a function. Python binds a submodule to its
    # parent when it is first loaded, so loading everything must leave the functions in place.
    before = {name: getattr(ad, name) for name in ad.__all__}
    for name, value in before.items():
        if not isinstance(value, types.ModuleType) and (SOURCE / name).is_dir():
            importlib.import_module(f"adjoint.{name}")
    assert [name for name in before if getattr(ad, name) is not before[name]] == []


def test_version_is_written_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert getattr(ad, "__version__", project["version"]) == project["version"]


# --- one command, written once ---------------------------------------------------------------


def test_ci_runs_the_test_command_of_the_readme():
    assert _dry_run()[0] == _between_markers("test-command")


def test_ci_checks_run_in_the_environment_of_the_readme():
    environment = re.search(r"-m venv (\S+)", _between_markers("test-command"))
    assert environment is not None
    for check in _dry_run()[1:]:
        assert check.startswith(f"{environment[1]}/bin/")


def test_readme_commands_use_two_environments_that_git_ignores():
    commands = [_between_markers(name) for name in ("train-command", "test-command")]
    environments = [re.findall(r"-m venv (\S+)", command) for command in commands]
    assert [len(found) for found in environments] == [1, 1]
    assert environments[0] != environments[1]
    assert all(found[0].startswith(".venv") for found in environments)
    assert "/.venv*/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


# --- what the files say ----------------------------------------------------------------------


def test_source_files_are_short_enough_to_read():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted(SOURCE.rglob("*.py"))
    }
    assert {name: n for name, n in lengths.items() if n > HARD_LINES} == {}
    long = {name for name, n in lengths.items() if n > SOFT_LINES}
    assert sorted(long - LONG_FILES.keys()) == [], "write in LONG_FILES why these stay whole"
    assert sorted(LONG_FILES.keys() - long) == [], "these are short now; drop their exception"


def test_no_file_names_a_machine_or_a_package_registry():
    # Put together from parts, so that this file does not contain what it forbids.
    hosts = ["pypi" + ".org", "python" + "hosted.org", "conda" + ".anaconda", "anaconda" + ".org"]
    places = ["/" + place + "/" for place in ("work", "root", "home", "Users")]
    # A path starts a word; "rows/root/leaf" in prose is not one.
    forbidden = re.compile(
        "|".join([*map(re.escape, hosts), *(rf"(?<![\w.]){re.escape(p)}" for p in places)])
    )
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in _text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert found == []
