"""The pytest plugin, as a project that installs it sees it."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import fakes
import pytest_imagebuilders

_STRICT = (
    *("-p", "no:cacheprovider", "--strict-markers", "--strict-config", "-q"),
    # A run in this process finds the plugin imported: pytest before 8.4 warns of that.
    *("-Werror", "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)


pytestmark = pytest.mark.usefixtures("everything_imported")


@pytest.fixture
def plugin_alone(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Options for a run with no other plugin: those of this environment cost seconds."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return ("-p", "imagebuilders")


def test_loading_the_plugin_imports_no_double_and_no_docker() -> None:
    """A test run that uses no fixture of ours does not pay for them."""
    script = (
        "import sys, pytest_imagebuilders\n"
        "heavy = {'docker', 'fakes', 'imagebuilders', 'fsspec', 'boto3', 'requests', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_fixtures_and_markers_are_listed(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """`--fixtures` and `--markers` tell what the plugin offers."""
    fixtures = pytester.runpytest_inprocess(*plugin_alone, *_STRICT, "--fixtures").stdout.str()
    for name in (
        "fake_registry",
        "fake_registry_factory",
        "fake_docker_engine",
        "fake_docker_engine_factory",
        "fake_docker_client",
        "fake_docker_client_factory",
        "fake_docker_host",
        "fake_stack",
        "image_tree",
        "in_memory_artifact_store",
        "in_memory_artifact_store_factory",
    ):
        assert f"\n{name} " in fixtures
    markers = pytester.runpytest_inprocess(*plugin_alone, *_STRICT, "--markers").stdout.str()
    for name in ("fake_registry", "fake_docker_engine", "in_memory_artifact_store"):
        assert f"@pytest.mark.{name}(**options)" in markers


def test_doubles_work_together(pytester: pytest.Pytester, plugin_alone: tuple[str, str]) -> None:
    """A project's test builds and pushes with the active stack, and looks at the image."""
    pytester.makepyfile(
        """
        from imagebuilders import BuildContext, Client

        def test_build(fake_stack, fake_registry, tmp_path):
            (tmp_path / "Dockerfile").write_text("FROM scratch\\nCOPY app.py /app.py\\n")
            (tmp_path / "app.py").write_text("print('hello')")
            stack = Client().active_stack
            assert stack is fake_stack
            digest = stack.image_builder.build(
                f"{fake_registry.address}/team/app:1",
                BuildContext(root=str(tmp_path)),
                container_registry=stack.container_registry,
            )
            assert digest.endswith(fake_registry.manifest("team/app:1").digest)
            assert fake_registry.image("team/app:1").read("/app.py") == b"print('hello')"
        """
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=1)


def test_markers_set_options(pytester: pytest.Pytester, plugin_alone: tuple[str, str]) -> None:
    """Options of a double stand on the test that uses it; the nearest marker counts."""
    pytester.makepyfile(
        """
        import pytest, requests

        @pytest.mark.fake_registry(auth="basic", users={"ann": "secret"})
        class TestPrivate:
            def test_asks(self, fake_registry):
                assert requests.get(f"{fake_registry.url}/v2/").status_code == 401

            def test_stack_logs_in(self, fake_stack):
                assert fake_stack.container_registry.credentials == ("ann", "secret")

            @pytest.mark.fake_registry()
            def test_open_again(self, fake_registry):
                assert requests.get(f"{fake_registry.url}/v2/").status_code == 200

        @pytest.mark.fake_docker_engine(version="28.5")
        def test_version(fake_docker_client):
            assert fake_docker_client.version()["Version"].startswith("28.5")
        """
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=4)


def test_marker_with_positional_argument_is_an_error(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """A marker says which test it is on and what it takes."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fake_registry("basic")
        def test_it(fake_registry):
            pass
        """
    )
    result = pytester.runpytest_inprocess(*plugin_alone, *_STRICT)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*test_it: the marker fake_registry takes keyword arguments only*"]
    )


def test_marker_with_a_wrong_option_is_an_error(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """An unknown option is told with those there are, a wrong value in the double's words."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fake_registry(nope=1)
        def test_unknown(fake_registry):
            pass

        @pytest.mark.fake_registry(auth="foo")
        def test_wrong(fake_registry):
            pass

        @pytest.mark.fake_registry(storage_limit="1GB")
        def test_type(fake_registry):
            pass

        @pytest.mark.in_memory_artifact_store(nope=1)
        def test_key(in_memory_artifact_store):
            pass

        @pytest.mark.in_memory_artifact_store(path="memory://here")
        def test_setting(in_memory_artifact_store):
            assert in_memory_artifact_store.path == "memory://here"
        """
    )
    result = pytester.runpytest_inprocess(*plugin_alone, *_STRICT)
    result.assert_outcomes(errors=4, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_unknown: the marker fake_registry has an option*'nope'*Its options: auth, *",
            "*test_wrong: the marker fake_registry: auth is one of none, basic, bearer, not 'foo'",
            "*test_type: the marker fake_registry: storage_limit is *, not '1GB'*",
            "*test_key: the marker in_memory_artifact_store: *unknown key 'nope'*",
        ]
    )
    assert "does not take: auth" not in result.stdout.str()


def test_marker_of_a_fixture_that_has_none_is_an_error(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """It would be without effect; the error names the markers that have one."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fake_docker_host(version="28.5")
        def test_host(fake_docker_host):
            pass

        @pytest.mark.fake_docker_client(version="28.5")
        def test_client(fake_docker_client):
            pass

        @pytest.mark.image_tree(below="/app")
        def test_tree(image_tree):
            pass

        @pytest.mark.fake_stack(name="x")
        def test_stack(fake_stack):
            pass
        """
    )
    result = pytester.runpytest_inprocess(
        *plugin_alone, "-q", "-p", "no:cacheprovider", "-Wignore::pytest.PytestUnknownMarkWarning"
    )
    result.assert_outcomes(errors=4)
    engine = "@pytest.mark.fake_docker_engine(…)"
    result.stdout.fnmatch_lines(
        [
            f"*the fixture fake_docker_host has no marker; its options are those of {engine}",
            f"*the fixture fake_docker_client has no marker; its options are those of {engine}",
            f"*the fixture image_tree has no marker; its options are those of {engine}",
            f"*the fixture fake_stack has no marker; its options are those of {engine}, *",
        ]
    )


def test_function_fixtures_are_fresh_and_factories_outlive_a_test(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """Every test has doubles of its own; a factory serves wider scopes."""
    pytester.makepyfile(
        """
        import pytest

        seen = []

        @pytest.fixture(scope="module")
        def shared(fake_registry_factory):
            return fake_registry_factory(read_only=True)

        @pytest.mark.parametrize("round", [1, 2])
        def test_it(round, shared, fake_registry, fake_docker_engine, in_memory_artifact_store):
            seen.append((fake_registry, fake_docker_engine, in_memory_artifact_store, shared))

        def test_kept(shared):
            first, second = seen
            assert all(a is not b for a, b in zip(first[:3], second[:3]))
            assert first[3] is second[3] is shared
            assert shared.read_only
        """
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=3)


def test_other_factories_make_what_they_say(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """Engines, clients and stores can be made in any scope."""
    pytester.makepyfile(
        """
        def test_it(
            fake_docker_engine_factory, fake_docker_client_factory, in_memory_artifact_store_factory
        ):
            engine = fake_docker_engine_factory(version="26.1")
            assert fake_docker_client_factory(engine).version()["Version"].startswith("26.1")
            assert fake_docker_client_factory().ping()
            assert not in_memory_artifact_store_factory().exists("anything")
        """
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=1)


def test_a_defect_of_the_engine_is_an_error_of_its_test(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """Even when the code under test swallows the answer."""
    pytester.makepyfile(
        """
        from contextlib import suppress

        def test_it(fake_docker_engine, fake_docker_client):
            fake_docker_engine.images.all = None
            with suppress(Exception):
                fake_docker_client.images.list()
        """
    )
    result = pytester.runpytest_inprocess(*plugin_alone, *_STRICT)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E *FakeDockerEngineCrashError: the FakeDockerEngine itself *"])


def test_docker_host_serves_other_clients(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """Code that reads DOCKER_HOST reaches the test's engine, without being told."""
    pytester.makepyfile(
        """
        import os
        import docker

        def test_it(fake_docker_host, fake_docker_engine):
            assert os.environ["DOCKER_HOST"] == fake_docker_host
            client = docker.from_env()
            assert client.ping()
            client.close()
            assert fake_docker_engine.requests
        """
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=1)


_BUILT = """
import io
import pytest

@pytest.fixture(autouse=True)
def built(fake_docker_client, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\\nCOPY app /app\\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print('hello')\\nprint('again')\\n")
    (tmp_path / "app" / "data").write_bytes(b"\\xff")
    fake_docker_client.images.build(path=str(tmp_path), tag="app:1")
"""


def test_files_of_an_image_are_looked_at(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """`image_tree` looks into the test's engine, and knows an image by its pushed digest."""
    pytester.makepyfile(
        _BUILT
        + """
def test_it(image_tree, fake_docker_client, fake_registry):
    tree = image_tree("app:1")
    assert "app/main.py" in tree and "/app" in tree
    assert tree.read_text("/app/main.py").startswith("print")
    assert image_tree("app:1", below="/app") == {
        "main.py": "print('hello')\\nprint('again')\\n", "/data": b"\\xff"
    }
    name = f"{fake_registry.address}/app"
    fake_docker_client.images.get("app:1").tag(name, "1")
    fake_docker_client.images.push(name, "1")
    digest = fake_registry.image("app:1").digest
    assert image_tree(f"{name}@{digest}") == tree
"""
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=1)


def test_a_comparison_of_files_that_fails_is_explained(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """What is missing, what is too much and what differs, line by line; and what is near."""
    pytester.makepyfile(
        _BUILT
        + """
def test_equal(image_tree):
    wanted = {"main.py": "print('hello')\\nprint('bye')\\n", "run.sh": ""}
    assert image_tree("app:1", below="/app") == wanted

def test_in(image_tree):
    assert "app/mian.py" in image_tree("app:1")

def test_read(image_tree):
    image_tree("app:1").read("/app/mian.py")

def test_no_image(image_tree):
    image_tree("app:2")
"""
    )
    result = pytester.runpytest_inprocess(*plugin_alone, *_STRICT)
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "E * app:1, below /app == what was expected",
            "E *missing: run.sh",
            "E *not expected: data",
            "E *different: main.py",
            "E * -print('bye')",
            "E * +print('again')",
            "E *'app/mian.py' in the image app:1; there is /app/main.py*",
            "E *LookupError: no /app/mian.py in the image app:1; there is /app/main.py*",
            "E *LookupError: No such image: app:2; names in the engine: app:1",
        ]
    )


def test_plugin_can_be_switched_off(pytester: pytest.Pytester) -> None:
    """`-p no:imagebuilders` takes fixtures and markers away."""
    pytester.makepyfile("def test_it(fake_registry): pass")
    result = pytester.runpytest_subprocess(*_STRICT, "-p", "no:imagebuilders")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'fake_registry' not found*"])


@pytest.fixture
def own_fakes(pytester: pytest.Pytester) -> Path:
    """A project with a package `fakes` of its own."""
    package = pytester.mkpydir("fakes")
    (package / "clock.py").write_text("NOW = 12\n")
    return pytester.path


def test_a_project_keeps_its_own_package_named_fakes(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str], own_fakes: Path
) -> None:
    """Its folder is imported as ever, and every fixture works beside it."""
    pytester.makepyfile(
        """
        import sys

        import pytest
        from fakes.clock import NOW

        from imagebuilders.testing import FakeDockerEngine, FakeRegistry, submodule

        def test_own():
            assert NOW == 12
            assert sys.modules["fakes"].__file__.startswith(sys.path[0])

        def test_registry(fake_registry, fake_registry_factory):
            assert isinstance(fake_registry, FakeRegistry)
            assert isinstance(fake_registry_factory(), FakeRegistry)

        @pytest.mark.fake_docker_engine(version="28.5")
        def test_engine(fake_docker_engine, fake_docker_client, fake_docker_host, image_tree):
            assert isinstance(fake_docker_engine, FakeDockerEngine)
            fake_docker_engine.seed_image("app:1", files={"/a": "1"})
            assert fake_docker_client.images.get("app:1").tags == ["app:1"]
            assert image_tree("app:1") == {"/a": "1"}
            assert fake_docker_host.startswith("unix://")

        def test_engine_factories(fake_docker_engine_factory, fake_docker_client_factory):
            engine = fake_docker_engine_factory(version="26.1")
            version = fake_docker_client_factory(engine).version()["Version"]
            assert version.startswith("26.1")

        def test_store(in_memory_artifact_store, in_memory_artifact_store_factory):
            assert type(in_memory_artifact_store) is type(in_memory_artifact_store_factory())

        def test_stack(fake_stack, fake_registry):
            assert fake_registry.address in fake_stack.container_registry.uri

        def test_contracts():
            contract = submodule("contracts.artifact_store")
            assert "@pytest_ar" in vars(contract)

        def test_explained(image_tree, fake_docker_engine):
            fake_docker_engine.seed_image("app:1", files={"/a": "1"})
            assert image_tree("app:1") == {"/a": "2"}
        """
    )
    # As with `python -m pytest`, the project's folder comes first.
    result = pytester.runpytest_subprocess(*plugin_alone, *_STRICT, "-o", "pythonpath=.")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*== what was expected*"])


def _fixtures() -> list[str]:
    """The fixtures of the plugin, as its source has them."""
    tree = ast.parse(Path(pytest_imagebuilders.__file__).read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [
        function.name
        for function in functions
        if any("fixture" in ast.unparse(each) for each in function.decorator_list)
    ]


def test_no_fixture_fails_beside_a_package_named_fakes(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str], own_fakes: Path
) -> None:
    """Each that the plugin has can be asked for, those that come later included."""
    assert {"fake_registry", "fake_docker_client", "fake_aws", "image_tree"} <= set(_fixtures())
    has_aws = find_spec("moto") is not None
    names = [name for name in _fixtures() if has_aws or name != "fake_aws"]
    pytester.makepyfile(
        f"""
        import sys

        import pytest
        from fakes.clock import NOW

        @pytest.mark.parametrize("name", {names!r})
        def test_fixture(name, request):
            request.getfixturevalue(name)
            assert NOW == 12
            assert sys.modules["fakes"].__file__.startswith(sys.path[0])
        """
    )
    result = pytester.runpytest_subprocess(*plugin_alone, *_STRICT, "-o", "pythonpath=.")
    result.assert_outcomes(passed=len(names))


def test_the_doubles_as_programs_beside_a_package_named_fakes(own_fakes: Path) -> None:
    """`python -m imagebuilders.testing` has the commands of `python -m fakes`."""
    shown = subprocess.run(
        [sys.executable, "-m", "imagebuilders.testing", "--help"],
        cwd=own_fakes,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: python -m imagebuilders.testing" in shown.stdout
    assert {"engine", "registry", "run"} <= set(shown.stdout.split())


def test_without_another_package_the_doubles_are_those_of_fakes() -> None:
    """They are the same classes, whichever way they were imported."""
    testing = import_module("imagebuilders.testing")
    for name in fakes.__all__:
        assert getattr(testing, name) is getattr(fakes, name)
    assert testing.submodule("engine") is sys.modules["fakes.engine"]
    assert set(dir(testing)) == {*fakes.__all__, "submodule"}
    with pytest.raises(AttributeError, match="has no attribute 'FakeNothing'"):
        testing.FakeNothing  # noqa: B018


def test_contract_asserts_are_explained(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """A failing assert of a shipped contract shows the values it compared."""
    pytester.makepyfile(
        """
        import fakes.contracts.artifact_store

        def test_rewritten():
            assert "@pytest_ar" in vars(fakes.contracts.artifact_store)
        """
    )
    pytester.runpytest_subprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=1)


def test_a_failing_test_says_which_base_was_not_seeded(
    pytester: pytest.Pytester, plugin_alone: tuple[str, str]
) -> None:
    """Its report has one line with the call that is missing; a passing test has none."""
    pytester.makepyfile(
        """
        import docker.errors
        import pytest

        def test_fails(fake_docker_client):
            fake_docker_client.images.pull("python:3.12-slim")

        def test_expects_it(fake_docker_client):
            with pytest.raises(docker.errors.NotFound):
                fake_docker_client.images.pull("other:1")

        def test_fails_by_itself(fake_docker_client):
            assert not fake_docker_client.ping()
        """
    )
    result = pytester.runpytest_inprocess(*plugin_alone, *_STRICT)
    result.assert_outcomes(passed=1, failed=2)
    call = "add fake_docker_engine.seed_hub('python:3.12-slim')"
    assert result.stdout.str().count("not seeded, but asked for") == 1
    result.stdout.fnmatch_lines([f"not seeded, but asked for; {call}"])


def test_registries_by_fixture(pytester: pytest.Pytester, plugin_alone: tuple[str, str]) -> None:
    """A marker names the fixtures that hosts lead to, or addresses."""
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.fake_docker_engine(
            registries={"ghcr.io": "fake_registry", "quay.io": "127.0.0.1:1"}
        )
        def test_pull(fake_docker_client, fake_registry):
            fake_registry.seed("team/app:1", files={"a": "1"})
            assert fake_docker_client.images.pull("ghcr.io/team/app:1")
        """
    )
    pytester.runpytest_inprocess(*plugin_alone, *_STRICT).assert_outcomes(passed=1)
