"""Every task of the project: ``nox`` runs the tests, ``nox -l`` lists the rest."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - whoever runs it may have an older one
    sys.exit(f"Python 3.10 or newer is needed; nox runs on {sys.version.split()[0]}.")

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_external_run = True
# A Python that is not here is left out, also in CI, and none is downloaded.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"

# On a machine that has only a newer Python, that one is better than none.
ALL_PYTHONS = list(dict.fromkeys([*PYTHONS, CURRENT]))
EXTRAS = list(PROJECT["project"]["optional-dependencies"])


def _find_pyenv_pythons() -> None:
    """Put pyenv's interpreters on PATH.

    pyenv's own shims fail for every version that is not selected, so an interpreter
    that is installed would count as missing.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in PYTHONS:
        for folder in sorted((root / "versions").glob(f"{version}.*/bin"), reverse=True)[:1]:
            found = shutil.which(f"python{version}")
            if found is None or Path(found).parent == root / "shims":
                os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


_find_pyenv_pythons()

# The newest that is installed here: one that is not would be left out, and with it what it is for.
NEWEST = next((one for one in reversed(PYTHONS) if shutil.which(f"python{one}")), CURRENT)

# The unit tests run on the newest Python and, with the oldest dependencies, on the oldest; all is
# installed on these two. `whole` takes every one.
UNIT = f"unit-{NEWEST}"
INSTALL = [f"install-{python}" for python in ALL_PYTHONS if python in (PYTHONS[0], NEWEST)]
nox.options.sessions = [
    *("lint", "typing", UNIT, "minimums", *INSTALL, "package", "docs", "integration"),
]


def _install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Install the project as an editable, with dependency groups of pyproject.toml."""
    session.install("-e", f".{extras}", *nox.project.dependency_groups(PROJECT, *groups))


def _keep_bytecode(session: nox.Session) -> None:
    """Keep compiled modules, whatever the environment says.

    Else each of the many programs that the tests start compiles all that it imports.
    """
    session.env["PYTHONDONTWRITEBYTECODE"] = ""


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting; ``nox -s lint -- --fix`` repairs what it can."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--check"]))


@nox.session
def typing(session: nox.Session) -> None:
    """Check types with mypy and pyright."""
    _install(session, "typing", "integration", "nox", extras="[s3,aws,testing]")
    session.run("mypy", *session.posargs)
    session.run("pyright", "--warnings")


@nox.session(python=ALL_PYTHONS)
def unit(session: nox.Session) -> None:
    """Run the unit tests on each Python that is here; on the newest, measure coverage."""
    _install(session, "test", extras="[testing]")
    _keep_bytecode(session)
    if session.posargs:
        session.run("pytest", *session.posargs)
    elif session.python == NEWEST:
        session.run("pytest", "--numprocesses=auto", "--cov", "--cov-report=")
        for package in ("imagebuilders", "fakes"):
            session.run("coverage", "report", f"--include={package}/*", "--fail-under=95")
    else:
        session.run("pytest", "--numprocesses=auto")


# The backend makes environments with the pip that this Python came with.
@nox.session(python=ALL_PYTHONS, venv_backend="venv")
def install(session: nox.Session) -> None:
    """Install all extras together with Python's own pip; ``-- each`` also one by one, each alone.

    An old pip finds no way where requirements of two extras contradict each other, which a newer
    one may hide by taking old versions.
    """
    folder = Path(session.create_tmp()).resolve()
    session.run(
        *("python", "-m", "pip", "wheel", "--quiet", "--no-deps"),
        *("--wheel-dir", str(folder / "wheels"), "."),
    )
    (wheel,) = (folder / "wheels").glob("imagebuilders-*.whl")
    alone = [[extra] for extra in ["", *EXTRAS]] if "each" in session.posargs else []
    for extras in [EXTRAS, *alone]:
        environment = folder / "environment"
        session.run("python", "-m", "venv", "--clear", str(environment))
        python = str(environment / "bin" / "python")
        wanted = f"imagebuilders[{','.join(extras)}] @ {wheel.as_uri()}"
        session.run(
            *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted),
            external=True,
        )
        session.run(python, "-m", "pip", "check", external=True)
        # Not in the clone, whose packages would be imported in place of the installed ones.
        with session.chdir(folder):
            session.run(python, "-c", "from imagebuilders import *; import fakes", external=True)


@nox.session
def integration(session: nox.Session) -> None:
    """Run the tests against real engines and registries in containers.

    As root on Debian or Ubuntu, what is missing for that is installed with apt.
    """
    _install(session, "integration", extras="[testing]")
    _keep_bytecode(session)
    # Five minutes for a test, but any time for a fixture: images are made in one.
    limits = ["--timeout=300", "--override-ini=timeout_func_only=true"]
    session.run(
        "pytest",
        *limits,
        # A real engine on a busy machine loses an answer now and then: what fails is tried once
        # more, and the summary names it.
        *("--reruns=1", "-rfER"),
        # Most of the time is spent waiting for engines, so two processes, each with engines of
        # its own, take little more than half of it.
        *(session.posargs or ["tests/integration", "--numprocesses=2", "--dist=loadscope"]),
        env={"IMAGEBUILDERS_TEST_PROVISION": os.environ.get("IMAGEBUILDERS_TEST_PROVISION", "1")},
    )


@nox.session
def whole(session: nox.Session) -> None:
    """Take whole every long comparison of which the other sessions take a seeded sample.

    That takes hours: all scenarios on all engines, all ignore cases, 500 random builds on each
    engine, uploads killed at each line, a soak of 1,000 builds and uploads, each extra alone.
    """
    for python in ALL_PYTHONS:
        if f"unit-{python}" != UNIT:
            session.notify(f"unit-{python}", [])
        session.notify(f"install-{python}", ["each"])
    _install(session, "integration", extras="[testing]")
    session.run(
        *("pytest", *(session.posargs or ["tests/unit", "tests/integration", "-rfE"])),
        env={
            "IMAGEBUILDERS_TEST_WHOLE": "1",
            "IMAGEBUILDERS_TEST_PROVISION": os.environ.get("IMAGEBUILDERS_TEST_PROVISION", "1"),
        },
    )


# Python 3.12 is the first that tells at no cost which lines a test reaches.
@nox.session(python=NEWEST)
def mutants(session: nox.Session) -> None:
    """Change 100 places of each package, one at a time: the unit tests must notice 90 of them.

    All tests run once before that. `-- fakes --count 10` takes fewer, `--seed 7` others.
    """
    _install(session, "test", extras="[testing]")
    _keep_bytecode(session)
    session.run("python", "-m", "mutants", *session.posargs, env={"PYTHONPATH": "tests/support"})


@nox.session
def record(session: nox.Session) -> None:
    """Record anew what real engines show to the engine contract, and the page made from it.

    Without groups of scenarios behind `--`, what their BuildKit shows is recorded, too.
    """
    _install(session, "integration", extras="[testing]")
    env = {"PYTHONPATH": "tests/support", "IMAGEBUILDERS_TEST_PROVISION": "1"}
    session.run(*("python", "-m", "testbed.recorded", *session.posargs), env=env)
    if not session.posargs:
        session.run(*("python", "-m", "testbed.recorded_buildkit"), env=env)
    session.run("python", "-m", "fakes.contracts.engine.fidelity")


@nox.session(python=PYTHONS[0])
def minimums(session: nox.Session) -> None:
    """Run the unit tests with the oldest dependencies that pyproject.toml allows."""
    session.install("uv")
    session.run(
        *("uv", "pip", "install", "--resolution=lowest-direct", "--upgrade"),
        *("-e", ".[s3,aws,testing]", "--group", "test"),
        silent=True,
    )
    _keep_bytecode(session)
    session.run("pytest", *(session.posargs or ["--numprocesses=auto"]))


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel, check what is in them, and use the wheel in another project."""
    session.install(*nox.project.dependency_groups(PROJECT, "package"))
    distributions = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(distributions, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(distributions), silent=True)
    session.run(
        *("pytest", "tests/packaging/test_distributions.py"),
        env={"IMAGEBUILDERS_TEST_DISTRIBUTIONS": str(distributions)},
    )

    (wheel,) = distributions.glob("*.whl")
    session.install("--force-reinstall", f"imagebuilders[testing] @ {wheel.as_uri()}")
    downstream = distributions.parent / "downstream"
    shutil.rmtree(downstream, ignore_errors=True)
    shutil.copytree("tests/packaging/downstream", downstream)
    # Outside the clone, so that only the installed wheel can be imported.
    with session.chdir(downstream):
        session.run("pytest", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """Build, push and rebuild the example, with the engine found or the embedded double."""
    _install(session)
    session.run("python", "examples/demo.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure; ``nox -s bench -- NAME`` takes one of ``benchmarks/``."""
    _install(session, "bench")
    programs = [path for path in Path("benchmarks").glob("*.py") if "__main__" in path.read_text()]
    for name in session.posargs or sorted(path.stem for path in programs):
        session.run("python", "-m", f"benchmarks.{name}")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into ``site/`` and do what the tutorials say.

    A warning, a dead link within the site, or a line of a tutorial that ends otherwise is an error.
    """
    _install(session, "docs", extras="[testing]")
    _keep_bytecode(session)
    _build_site(session)
    session.run(
        *("pytest", "tests/docs", "--ignore=tests/docs/test_pages.py"),
        # Not the session's own, which is in the clone: a tutorial's tests would take its settings.
        env={**SITE, "TMPDIR": tempfile.gettempdir()},
    )


@nox.session
def browser(session: nox.Session) -> None:
    """Look at each page of the documentation in Chromium, if one is installed.

    At three widths, light and dark: no error in the console, nothing too wide, nothing overlapping.
    """
    _install(session, "browser", extras="[testing]")
    _build_site(session)
    session.run("pytest", "tests/docs/test_pages.py", *session.posargs, env=SITE)


SITE = {"IMAGEBUILDERS_TEST_SITE": "site"}


def _build_site(session: nox.Session) -> None:
    session.run(
        *("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet"),
        *("--doctree-dir", str(Path(session.create_tmp()) / "doctrees")),
        *("docs", "site"),
    )


@nox.session
def proto(session: nox.Session) -> None:
    """Compile BuildKit's messages; what it makes is checked in."""
    session.install(*nox.project.dependency_groups(PROJECT, "proto"))
    folder = Path("imagebuilders/buildkit/proto")
    session.run(
        *("python", "-m", "grpc_tools.protoc", "--proto_path=."),
        *("--include_imports", f"--descriptor_set_out={folder / 'messages.binpb'}"),
        "--mypy_out=quiet:.",
        *map(str, sorted(folder.glob("*.proto"))),
    )
