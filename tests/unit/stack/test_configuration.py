"""What the settings say about the stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from pytest_mock import MockerFixture

from imagebuilders import Client
from imagebuilders.artifact_stores.remote import RemoteArtifactStoreConfig
from imagebuilders.components.component import StackComponentType
from imagebuilders.exceptions import ConfigurationError, FlavorError
from imagebuilders.stack.component_configuration import DEFAULT_FLAVORS
from imagebuilders.stack.configuration import StackConfiguration, read_configuration
from imagebuilders.stack.configured_stack import ConfiguredStack
from imagebuilders.stack.flavors import FlavorCatalog

REGISTRY = "[container_registry]\nuri = 'registry.example/team'\n"


def write(project: Path, content: str) -> Path:
    """Write the stack file of the working directory."""
    path = project / "imagebuilders.toml"
    path.write_text(content)
    return path


def fail(project: Path, content: str) -> ConfigurationError:
    """Return the error that a stack file makes."""
    path = write(project, content)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration()
    assert str(path) in str(caught.value)
    assert caught.value.file == str(path)
    return caught.value


@pytest.fixture(scope="module")
def catalog() -> FlavorCatalog:
    """The installed flavors, looked up once."""
    return FlavorCatalog.installed()


def registry_password(found: StackConfiguration) -> str:
    """Return the registry's password in the clear."""
    assert found.container_registry is not None
    secret = getattr(found.container_registry.config, "password")  # noqa: B009
    assert isinstance(secret, SecretStr)
    return secret.get_secret_value()


# --- defaults ----------------------------------------------------------------


def test_working_defaults(tmp_path: Path) -> None:
    """Without any settings: local builder, store in the user's data folder, no registry."""
    found = read_configuration()
    assert found.file is None
    assert found.name == "default"
    assert found.image_builder.flavor_name == "local"
    assert found.artifact_store.flavor_name == "local"
    assert found.artifact_store.config.model_dump()["path"] == str(
        tmp_path / "data" / "imagebuilders" / "artifacts"
    )
    assert found.artifact_store.origin("path") == "default"
    assert found.container_registry is None


def test_user_without_a_home(monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> None:
    """Without a home folder the error says which setting to give."""
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("HOME")
    mocker.patch("pwd.getpwuid", side_effect=KeyError)
    with pytest.raises(ConfigurationError, match="IMAGEBUILDERS_ARTIFACT_STORE__PATH"):
        read_configuration()
    monkeypatch.setenv("IMAGEBUILDERS_ARTIFACT_STORE__PATH", "/somewhere")
    assert read_configuration().artifact_store.config.model_dump()["path"] == "/somewhere"


def test_removed_working_directory(project: Path) -> None:
    """A working directory that was removed is one clear error."""
    project.rmdir()
    with pytest.raises(ConfigurationError, match="does not exist any more"):
        read_configuration()


# --- the file ----------------------------------------------------------------


def test_file_gives_flavors_and_settings(project: Path, kite: Path) -> None:
    """Each table names a flavor, and holds that flavor's own settings."""
    path = write(
        project,
        'name = "dev"\n[image_builder]\nflavor = "kite"\nproject = "p"\nsize = "large"\n'
        f'wing = {{ span = 3 }}\n{REGISTRY}[artifact_store]\npath = "s3://bucket/a"\nflavor="s3"\n',
    )
    found = read_configuration()
    assert found.name == "dev"
    assert found.file == path
    builder = found.image_builder.config.model_dump()
    assert builder["project"] == "p"
    assert builder["size"] == "large"
    assert builder["wing"] == {"span": 3, "colour": "red"}
    assert found.image_builder.origin("size") == str(path)
    assert found.image_builder.origin("workers") == "default"
    assert found.artifact_store.config.model_dump()["path"] == "s3://bucket/a"
    assert found.container_registry is not None
    assert found.container_registry.flavor_name == "default"


def test_pyproject_table(project: Path) -> None:
    """The same tables stand under [tool.imagebuilders]."""
    path = project / "pyproject.toml"
    path.write_text("[tool.imagebuilders.container_registry]\nuri = 'registry.example'\n")
    found = read_configuration()
    assert found.file == path
    assert found.container_registry is not None
    path.write_text("[tool.imagebuilders.container_registry]\nurl = 'registry.example'\n")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration()
    assert "tool.imagebuilders.container_registry.url" in str(caught.value)


def test_relative_store_path_belongs_to_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path in a file means the same from every folder below it."""
    write(project, '[artifact_store]\npath = "archives"\n')
    below = project / "src"
    below.mkdir()
    monkeypatch.chdir(below)
    found = read_configuration()
    assert found.artifact_store.config.model_dump()["path"] == str(project / "archives")


def test_another_folder_can_be_read(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of any folder can be asked for."""
    write(project, 'name = "there"')
    assert read_configuration(tmp_path).name == "default"
    assert read_configuration(project).name == "there"
    assert read_configuration(str(project)).name == "there"
    monkeypatch.chdir(tmp_path)
    assert read_configuration().name == "default"
    assert read_configuration(project.name).name == "there"


@pytest.mark.parametrize(
    ("content", "key", "says"),
    [
        ("[image_bulder]\n", "image_bulder", "did you mean 'image_builder'?"),
        ("colour = 'red'\n", "colour", "artifact_store, container_registry, image_builder, name"),
        ("name = 1\n", "name", "must be a string"),
        ("image_builder = 'local'\n", "image_builder", "[image_builder]"),
        ("[image_builder]\nflavor = 1\n", "image_builder.flavor", "one of: "),
        ("[image_builder]\nflavor = 'kit'\n", "image_builder.flavor", "did you mean 'kite'?"),
        (f"{REGISTRY}pasword = 'x'\n", "container_registry.pasword", "did you mean 'password'?"),
        ("[container_registry]\n", "container_registry.uri", "is required"),
        ("[container_registry]\nuri = 3\n", "container_registry.uri", "valid string"),
    ],
)
def test_bad_file(project: Path, kite: Path, content: str, key: str, says: str) -> None:
    """One error names the file, the key, and what would be right."""
    error = fail(project, content)
    assert error.key == key
    assert says in str(error)


@pytest.mark.parametrize(
    ("line", "key", "allowed"),
    [
        ("size = 'tiny'", "image_builder.size", ("small", "large")),
        ("wing = { spam = 1 }", "image_builder.wing.spam", None),
        ("tags = 'a'", "image_builder.tags", ()),
        ("workers = 'many'", "image_builder.workers", ()),
    ],
)
def test_bad_setting_of_a_flavor(
    project: Path, kite: Path, line: str, key: str, allowed: tuple[str, ...] | None
) -> None:
    """A flavor's own settings are checked as strictly, and choices are listed."""
    error = fail(project, f"[image_builder]\nflavor = 'kite'\nproject = 'p'\n{line}\n")
    assert error.key == key
    if allowed is not None:
        assert error.allowed == allowed


def test_all_mistakes_in_one_error(project: Path) -> None:
    """Nobody has to run it again for each mistake."""
    error = fail(project, "[container_registry]\nurl = 'x'\nuser = 'y'\n")
    for key in ("uri", "url", "user"):
        assert f"container_registry.{key}: " in str(error)


@pytest.mark.parametrize(
    "content",
    [
        f"{REGISTRY}password = ['hunter2']\n",
        f"{REGISTRY}pasword = 'hunter2'\n",
        "[container_registry]\npassword = 'hunter2'\n",
        "[container_registry]\npassword = 'hunter2\n",
        "[image_builder]\nflavor = 'kite'\ntoken = { a = 'hunter2' }\n",
    ],
)
def test_errors_never_show_a_password(project: Path, kite: Path, content: str) -> None:
    """Neither the error nor what it was raised from repeats a value."""
    error: BaseException | None = fail(project, content)
    while error is not None:
        assert "hunter2" not in str(error) + repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


# --- the environment ---------------------------------------------------------


def test_variables_override_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable replaces one key; the file's other keys stay."""
    path = write(project, f"{REGISTRY}username = 'ann'\npassword = 'old'\n")
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD", "new")
    found = read_configuration()
    assert registry_password(found) == "new"
    assert found.container_registry is not None
    assert found.container_registry.config.model_dump()["uri"] == "registry.example/team"
    assert (
        found.container_registry.origin("password") == "IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD"
    )
    assert found.container_registry.origin("username") == str(path)
    assert "new" not in repr(found)


def test_variables_alone_make_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is needed to have a registry."""
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__URI", "localhost:5000")
    monkeypatch.setenv("IMAGEBUILDERS_NAME", "ci")
    found = read_configuration()
    assert found.name == "ci"
    assert found.container_registry is not None
    assert found.container_registry.config.model_dump()["uri"] == "localhost:5000"


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that only begin alike belong to somebody else."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", "x")
    monkeypatch.setenv("IMAGEBUILDERS_SERVICE_HOST", "y")
    monkeypatch.setenv("IMAGEBUILDER__URI", "z")
    assert read_configuration().image_builder.origins == {}


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """CI systems set variables of missing secrets to the empty text."""
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__URI", "")
    assert read_configuration().container_registry is None


def test_variable_that_chooses_another_flavor(
    project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's settings belong to the file's flavor, and go with it."""
    write(project, "[image_builder]\nflavor = 'kite'\nproject = 'p'\n")
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR", "local")
    found = read_configuration()
    assert found.image_builder.flavor_name == "local"
    assert found.image_builder.origin("flavor") == "IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR"


def test_variables_reach_a_flavors_own_settings(
    project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers, lists, nested models and names with capitals can all be set."""
    write(
        project,
        "[image_builder]\nflavor = 'kite'\nproject = 'p'\nwing = { span = 2, colour = 'blue' }\n",
    )
    for key, value in {
        "WORKERS": "4",
        "TAGS": '["a", "b"]',
        "REGION": "south",
        "WING__SPAN": "7",
        "TOKEN": "12345",
    }.items():
        monkeypatch.setenv(f"IMAGEBUILDERS_IMAGE_BUILDER__{key}", value)
    config = read_configuration().image_builder.config.model_dump()
    assert config["workers"] == 4
    assert config["tags"] == ["a", "b"]
    assert config["Region"] == "south"
    assert config["wing"] == {"span": 7, "colour": "blue"}
    assert config["token"].get_secret_value() == "12345"


def test_variable_names_the_origin_of_a_key_with_capitals(
    project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables know no case; what they set is listed under the key's own spelling."""
    write(project, "[image_builder]\nflavor = 'kite'\nproject = 'p'\nRegion = 'east'\n")
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__REGION", "south")
    origin = read_configuration().image_builder.origin("Region")
    assert origin == "IMAGEBUILDERS_IMAGE_BUILDER__REGION"


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("REGISTRY__URI", ["CONTAINER_REGISTRY__URI"]),
        ("CONTAINER_REGSTRY__URI", ["CONTAINER_REGISTRY__URI"]),
        ("CONTAINER_REGSTRY_URI", ["CONTAINER_REGISTRY__KEY"]),
        ("IMAGE_BUILDERS", ["IMAGE_BUILDER__KEY"]),
        ("ARTIFACT_STOR__", ["ARTIFACT_STORE__KEY"]),
        ("NMAE", ["NAME"]),
        ("XYZ__A", ["IMAGE_BUILDER__A", "ARTIFACT_STORE__A", "CONTAINER_REGISTRY__A"]),
    ],
)
def test_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, meant: list[str]
) -> None:
    """A variable of a table that does not exist is an error, and so is nearly the right name."""
    name = f"IMAGEBUILDERS_{variable}"
    monkeypatch.setenv(name, "hunter2")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration()
    assert caught.value.file == name
    assert caught.value.allowed == tuple(f"IMAGEBUILDERS_{each}" for each in meant)
    assert str(caught.value) == (
        f"{name}: no such setting; did you mean {' or '.join(caught.value.allowed)}?"
    )


@pytest.mark.parametrize("also", [{}, {"IMAGEBUILDERS_IMAGE_BUILDER__PROJECT": "p"}])
@pytest.mark.parametrize("key", ["PROJECT", "TOKEN", "SIZE", "WORKERS"])
def test_variable_for_a_part_of_a_plain_key(
    project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch, key: str, also: dict[str, str]
) -> None:
    """A variable that goes into a key without parts is named as it is, whatever else is set."""
    write(project, "[image_builder]\nflavor = 'kite'\nproject = 'p'\n")
    for name, value in also.items():
        monkeypatch.setenv(name, value)
    name = f"IMAGEBUILDERS_IMAGE_BUILDER__{key}"
    monkeypatch.setenv(f"{name}__X", "hunter2")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration()
    assert str(caught.value) == (
        f"{name}__X: {key.lower()!r} has no keys inside it; did you mean {name}?"
    )
    assert caught.value.key == f"image_builder.{key.lower()}.x"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("IMAGEBUILDERS_IMAGE_BUILDER__WING__SPAM", "1", "unknown key 'spam'"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__WING__SPAN", "hunter2", "valid integer"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__WING", '{"spam": 1}', "unknown key 'spam'"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR", "kit", "did you mean 'kite'?"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__WORKERS", "hunter2", "valid integer"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__SPEED", "hunter2", "unknown key 'speed'"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__TAGS", "hunter2", "JSON"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__TAGS", "[" * 100_000, "JSON"),
        ("IMAGEBUILDERS_IMAGE_BUILDER__WORKERS", "NaN", "valid integer"),
        ("IMAGEBUILDERS_IMAGE_BUILDER_WORKERS", "hunter2", "IMAGE_BUILDER__WORKERS (two"),
        ("IMAGEBUILDERS_IMAGE_BUILDER", '{"project": "hunter2"}', "IMAGE_BUILDER__KEY (two"),
    ],
)
def test_bad_variable(
    project: Path,
    kite: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    says: str,
) -> None:
    """An error about a variable names the variable, not the file, and not the value."""
    path = write(project, "[image_builder]\nflavor = 'kite'\nproject = 'p'\n")
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration()
    assert says in str(caught.value)
    assert caught.value.file == variable
    assert str(caught.value).startswith(f"{variable}: ")
    assert "hunter2" not in str(caught.value)
    assert str(path) not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("STORAGE_OPTIONS", '{"token": "s3cret"}'), ("STORAGE_OPTIONS__TOKEN", "s3cret")],
)
def test_a_mapping_that_is_a_secret_is_written_as_any_other(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """As JSON, or by its keys."""
    begin = "IMAGEBUILDERS_ARTIFACT_STORE__"
    monkeypatch.setenv(f"{begin}FLAVOR", "remote")
    monkeypatch.setenv(f"{begin}PATH", "memory://here")
    monkeypatch.setenv(f"{begin}{variable}", value)
    config = read_configuration().artifact_store.config
    assert isinstance(config, RemoteArtifactStoreConfig)
    assert config.storage_options.get_secret_value() == {"token": "s3cret"}
    monkeypatch.setenv(f"{begin}STORAGE_OPTIONS", "{s3cret")
    with pytest.raises(ConfigurationError, match="must be written as JSON") as caught:
        _ = read_configuration().artifact_store
    assert "s3cret" not in str(caught.value)


def test_file_and_variable_both_wrong(
    project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error tells both, each with where it comes from."""
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__WORKERS", "many")
    error = fail(project, "[image_builder]\nflavor = 'kite'\nproject = 1\n")
    assert "image_builder.project: " in str(error)
    assert "IMAGEBUILDERS_IMAGE_BUILDER__WORKERS: " in str(error)


def test_missing_setting_without_a_file(monkeypatch: pytest.MonkeyPatch, kite: Path) -> None:
    """Where there is no file, the error names the variable that is missing."""
    monkeypatch.setenv("IMAGEBUILDERS_IMAGE_BUILDER__FLAVOR", "kite")
    with pytest.raises(ConfigurationError, match="set IMAGEBUILDERS_IMAGE_BUILDER__PROJECT"):
        read_configuration()


PASSWORDS = (
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
    )
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(["true", "null", "[]", "{}", '"quoted"', " spaced ", "a__b", "[1", "1e5"])
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(password=PASSWORDS)
def test_any_password_arrives_as_it_is(
    project: Path, monkeypatch: pytest.MonkeyPatch, catalog: FlavorCatalog, password: str
) -> None:
    """A password is text, also when it looks like a number or like JSON."""
    write(project, REGISTRY)
    with monkeypatch.context() as patch:
        patch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD", password)
        patch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__USERNAME", "ann")
        assert registry_password(read_configuration(catalog=catalog)) == password
    write(
        project,
        f"{REGISTRY}username = 'ann'\npassword = {json.dumps(password, ensure_ascii=False)}\n",
    )
    if "\x7f" not in password:  # JSON leaves it as it is, TOML does not take it
        assert registry_password(read_configuration(catalog=catalog)) == password


# --- making it ---------------------------------------------------------------


def test_stack_is_made_from_settings(
    project: Path, kite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The components are of the flavors' classes and carry the settings."""
    write(project, f"name = 'dev'\n[image_builder]\nflavor = 'kite'\nproject = 'p'\n{REGISTRY}")
    found = read_configuration()
    stack = ConfiguredStack(found)
    assert stack.name == "dev"
    assert stack.configuration is found
    assert type(stack.image_builder).__name__ == "KiteBuilder"
    assert stack.image_builder.name == "kite"
    assert stack.image_builder.config is found.image_builder.config
    assert stack.container_registry is not None
    assert stack.artifact_store.path.endswith("imagebuilders/artifacts")


def test_relative_path_in_a_variable(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts from the working directory in which the settings were read."""
    monkeypatch.setenv("IMAGEBUILDERS_ARTIFACT_STORE__PATH", "kept/here")
    stack = Client().active_stack
    monkeypatch.chdir(tmp_path)
    assert stack.artifact_store.path == str(project / "kept/here")
    assert Client().active_stack.artifact_store.path == str(tmp_path / "kept/here")


def test_every_kind_has_a_default_flavor() -> None:
    """A table that names no flavor has one all the same."""
    assert set(DEFAULT_FLAVORS) == set(StackComponentType)


def test_catalog_can_be_given(install: Callable[..., Path]) -> None:
    """Tests and applications may bring their own set of flavors."""
    with pytest.raises(FlavorError):
        read_configuration(catalog=FlavorCatalog([]))
