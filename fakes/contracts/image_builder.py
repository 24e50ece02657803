"""What every image builder must do, as tests to subclass."""

from __future__ import annotations

import json
import re
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import pytest

from imagebuilders.base_image_builder import BaseImageBuilder, BaseImageBuilderConfig
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.events import BuildStarted, Event, ImageBuilt, StepStarted, listen
from imagebuilders.exceptions import (
    BuildContextError,
    BuildError,
    BuildOptionsError,
    ConfigurationError,
    ImageBuilderError,
    ImageNameError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from imagebuilders.build_context import BuildContext
    from imagebuilders.container_registries import BaseContainerRegistry

DOCKERFILE = """\
FROM scratch
LABEL contract=kept
COPY greeting.txt /greeting.txt
"""


class Target:
    """Where a contract's builds go: nowhere but this machine, or to a registry.

    Args:
        image_builder: the builder.
        registry: the registry, if the builder needs one.
    """

    def __init__(
        self, image_builder: BaseImageBuilder, registry: BaseContainerRegistry | None = None
    ) -> None:
        self._builder = image_builder
        self._registry = registry

    def name(self, path: str) -> str:
        """Return an image's name here, from its path and tag."""
        return path if self._registry is None else f"{self._registry.uri}/{path}"

    def build(
        self,
        path: str,
        context: BuildContext,
        options: Mapping[str, object] | DockerBuildOptions | None = None,
    ) -> str:
        """Build it."""
        return self._builder.build(
            self.name(path), context, options, container_registry=self._registry
        )

    def is_result(self, built: str, path: str) -> bool:
        """Whether a build of this path may have returned that."""
        if self._registry is None:
            return built == path
        repository = re.escape(self.name(path).rpartition(":")[0])
        return re.fullmatch(f"{repository}@sha256:[0-9a-f]{{64}}", built) is not None


class ImageBuilderContract:
    """Checks an image builder: subclass it and override the fixtures.

        class TestMyBuilder(ImageBuilderContract):
            @pytest.fixture
            def image_builder(self):
                return MyImageBuilder()

            @pytest.fixture
            def container_registry(self):
                return DefaultContainerRegistry(uri="localhost:5000")

    The builds use no base image and run no command, so a double can do them.

    A builder that builds on this machine (`is_building_locally`) keeps an image there when no
    registry is given. Another one has no place for it and refuses; its builds go to the registry.
    The image's name may be `None`: the result is then the image's ID, or the digest of what the
    option `outputs` wrote. A builder that has no use for images without a name refuses.
    """

    @pytest.fixture
    def image_builder(self) -> BaseImageBuilder:
        """Give the builder. To be overridden."""
        raise NotImplementedError("override the fixture image_builder with the builder to check")

    @pytest.fixture
    def container_registry(self) -> BaseContainerRegistry:
        """Give a registry the builder may push to. To be overridden."""
        raise NotImplementedError("override the fixture container_registry")

    @pytest.fixture
    def build_context(self, image_builder: BaseImageBuilder) -> BuildContext:
        """Give a context of the builder's own class with a Dockerfile and a file."""
        context = image_builder.build_context_class()
        context.add_file(DOCKERFILE, "Dockerfile")
        context.add_file("hello", "greeting.txt")
        return context

    @pytest.fixture
    def target(self, image_builder: BaseImageBuilder, request: pytest.FixtureRequest) -> Target:
        """Give the place where the builds of other tests go."""
        if image_builder.is_building_locally:
            return Target(image_builder)
        return Target(image_builder, request.getfixturevalue("container_registry"))

    def digest_in_registry(self, image_name: str) -> str | None:
        """Give the digest the registry has for a name; `None`, the default, skips the check."""
        del image_name
        return None

    # --- what it is --------------------------------------------------------------

    def test_it_says_what_it_is(self, image_builder: BaseImageBuilder) -> None:
        """Its config, its context's class and where it builds are of the promised types."""
        from imagebuilders.build_context import BuildContext

        assert isinstance(image_builder.config, BaseImageBuilderConfig)
        assert issubclass(image_builder.build_context_class, BuildContext)
        assert isinstance(image_builder.is_building_locally, bool)

    # --- building ------------------------------------------------------------------

    def test_build_without_a_registry(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """The result is the name as it was given; a builder elsewhere refuses beforehand."""
        for name in ("contract/app:1", "contract/app"):
            if image_builder.is_building_locally:
                assert image_builder.build(name, build_context) == name
            else:
                with pytest.raises(ConfigurationError, match="registry"):
                    image_builder.build(name, _unreadable(image_builder))

    def test_build_without_a_name(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """The result is the image's ID; a builder that needs a name refuses beforehand."""
        context = _unreadable(image_builder)
        try:
            image_builder.build(None, context)
        except (ImageNameError, ConfigurationError):
            return
        except AssertionError:  # it reads the context, and so is about to build
            assert re.fullmatch("sha256:[0-9a-f]{64}", image_builder.build(None, build_context))
            return
        pytest.fail("it built an image without reading the context")

    def test_an_archive_without_a_name(
        self, image_builder: BaseImageBuilder, build_context: BuildContext, tmp_path: Path
    ) -> None:
        """The result is the digest of the image in it; a builder that writes none refuses."""
        output = tmp_path / "image.tar"
        options = {"outputs": f"type=oci,dest={output}"}
        try:
            built = image_builder.build(None, build_context, options)
        except (ImageNameError, ConfigurationError, BuildOptionsError):
            assert not output.exists()
            return
        with tarfile.open(output) as archive:
            member = archive.extractfile("index.json")
            assert member is not None
            manifests = json.load(member)["manifests"]
        assert built in [manifest["digest"] for manifest in manifests]

    def test_a_push_without_a_name_is_refused_before_building(
        self, image_builder: BaseImageBuilder, container_registry: BaseContainerRegistry
    ) -> None:
        """There is nothing to push it as, and the context is not even read."""
        with pytest.raises(ImageNameError):
            image_builder.build(
                None, _unreadable(image_builder), container_registry=container_registry
            )

    @pytest.mark.parametrize("typed", [False, True])
    def test_options_come_as_dict_or_object(
        self, target: Target, build_context: BuildContext, typed: bool
    ) -> None:
        """Both forms are taken."""
        options = {"labels": {"a": "b"}, "nocache": True}
        given = DockerBuildOptions.from_any(options) if typed else options
        assert target.is_result(
            target.build("contract/app:2", build_context, given), "contract/app:2"
        )

    def test_building_leaves_the_context_as_it_was(
        self, target: Target, build_context: BuildContext
    ) -> None:
        """What a builder adds for its own ends does not stay in the caller's context."""
        before = dict(build_context.get_extra_files())
        digest = build_context.digest()
        target.build("contract/app:3", build_context)
        assert build_context.get_extra_files() == before
        assert build_context.digest() == digest

    def test_builds_may_run_side_by_side(self, target: Target, build_context: BuildContext) -> None:
        """One builder and one context serve several threads."""
        names = [f"contract/side-by-side:{number}" for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            built = list(pool.map(lambda name: target.build(name, build_context), names))
        assert all(map(target.is_result, built, names))

    def test_a_build_is_told_in_events(self, target: Target, build_context: BuildContext) -> None:
        """From the beginning over each instruction to the image."""
        told: list[Event] = []
        with listen(told.append):
            target.build("contract/told:1", build_context, {"nocache": True})
        assert isinstance(told[0], BuildStarted)
        instructions = " ".join(one.instruction for one in told if isinstance(one, StepStarted))
        assert "COPY greeting.txt /greeting.txt" in instructions
        assert [one.image_name for one in told if isinstance(one, ImageBuilt)] == [
            target.name("contract/told:1")
        ]

    def test_a_listener_may_end_the_build(
        self, target: Target, build_context: BuildContext
    ) -> None:
        """Its exception comes through unchanged."""

        class EnoughError(Exception):
            pass

        def stop(event: Event) -> None:
            if isinstance(event, BuildStarted):
                raise EnoughError

        with listen(stop), pytest.raises(EnoughError):
            target.build("contract/app:4", build_context)

    # --- pushing ---------------------------------------------------------------------

    @pytest.mark.parametrize("tag", [":1", ""])
    def test_push_returns_the_repo_digest(
        self,
        image_builder: BaseImageBuilder,
        build_context: BuildContext,
        container_registry: BaseContainerRegistry,
        tag: str,
    ) -> None:
        """With a registry the result is `repo@sha256:…`, the digest the registry has."""
        repository = f"{container_registry.uri}/contract/app"
        pushed = image_builder.build(
            repository + tag, build_context, container_registry=container_registry
        )
        assert re.fullmatch(re.escape(repository) + "@sha256:[0-9a-f]{64}", pushed)
        expected = self.digest_in_registry(repository + (tag or ":latest"))
        assert expected is None or pushed == f"{repository}@{expected}"

    def test_a_foreign_name_is_refused_before_building(
        self,
        image_builder: BaseImageBuilder,
        container_registry: BaseContainerRegistry,
    ) -> None:
        """A name of another registry is a `ValueError`, and the context is not even read."""
        context = _unreadable(image_builder)
        with pytest.raises(ImageNameError) as caught:
            image_builder.build(
                "elsewhere.example/app:1", context, container_registry=container_registry
            )
        assert isinstance(caught.value, ValueError)
        assert caught.value.image_name == "elsewhere.example/app:1"

    # --- what goes wrong -------------------------------------------------------------

    @pytest.mark.parametrize(
        "name",
        ["", "Upper/Case", "app:", "app:bad tag", "app@sha256:" + "0" * 64, "https://host/app"],
    )
    def test_a_malformed_name_is_refused_before_building(
        self, image_builder: BaseImageBuilder, name: str
    ) -> None:
        """It is a `ValueError`, and the context is not even read."""
        with pytest.raises(ImageNameError):
            image_builder.build(name, _unreadable(image_builder))

    def test_an_unknown_option_is_refused_before_building(
        self, image_builder: BaseImageBuilder
    ) -> None:
        """The nearest option is suggested, and the context is not even read."""
        with pytest.raises(BuildOptionsError) as caught:
            image_builder.build("contract/app", _unreadable(image_builder), {"build_args": {}})
        assert caught.value.suggestion == "buildargs"

    def test_a_failing_step_is_an_error(
        self, image_builder: BaseImageBuilder, target: Target
    ) -> None:
        """The error is a `RuntimeError` and names the instruction."""
        context = image_builder.build_context_class()
        context.add_file("FROM scratch\nCOPY no-such-file /x\n", "Dockerfile")
        with pytest.raises(BuildError) as caught:
            target.build("contract/app:5", context)
        assert isinstance(caught.value, RuntimeError)
        assert caught.value.instruction is not None
        assert "COPY no-such-file /x" in caught.value.instruction
        assert "COPY no-such-file /x" in str(caught.value)

    def test_a_syntax_error_is_an_error(
        self, image_builder: BaseImageBuilder, target: Target
    ) -> None:
        """The error names the word that is no instruction."""
        context = image_builder.build_context_class()
        context.add_file("FROM scratch\nFETCH x\n", "Dockerfile")
        with pytest.raises(BuildError, match="FETCH"):
            target.build("contract/app:6", context)

    @pytest.mark.parametrize("name", [None, "other/Dockerfile"])
    def test_a_missing_dockerfile_is_an_error(
        self, image_builder: BaseImageBuilder, target: Target, name: str | None
    ) -> None:
        """The error names the file that was looked for."""
        context = image_builder.build_context_class()
        context.add_file("x", "greeting.txt")
        with pytest.raises(ImageBuilderError, match=name or "Dockerfile") as caught:
            target.build("contract/app:7", context, {"dockerfile": name})
        assert isinstance(caught.value, BuildContextError | BuildError)


def _unreadable(image_builder: BaseImageBuilder) -> BuildContext:
    """Make a context that must not be read."""
    base = image_builder.build_context_class

    class Unreadable(base):  # type: ignore[misc, valid-type]  # the builder's own class
        def get_files(self) -> NoReturn:
            raise AssertionError("the context was read")

        def entries(self, *, rewrite_ignore_files: bool = True) -> NoReturn:
            del rewrite_ignore_files
            raise AssertionError("the context was read")

    return Unreadable()
