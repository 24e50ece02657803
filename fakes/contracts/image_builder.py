"""What every image builder must do, as tests to subclass."""

from __future__ import annotations

import re
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
    ImageBuilderError,
    ImageNameError,
)

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext
    from imagebuilders.container_registries import BaseContainerRegistry

DOCKERFILE = """\
FROM scratch
LABEL contract=kept
COPY greeting.txt /greeting.txt
"""


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

    def test_build_returns_the_name(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """Without a registry the result is the name as it was given."""
        assert image_builder.build("contract/app:1", build_context) == "contract/app:1"
        assert image_builder.build("contract/app", build_context) == "contract/app"

    @pytest.mark.parametrize("typed", [False, True])
    def test_options_come_as_dict_or_object(
        self, image_builder: BaseImageBuilder, build_context: BuildContext, typed: bool
    ) -> None:
        """Both forms are taken."""
        options = {"labels": {"a": "b"}, "nocache": True}
        given = DockerBuildOptions.from_any(options) if typed else options
        assert image_builder.build("contract/app:2", build_context, given) == "contract/app:2"

    def test_building_leaves_the_context_as_it_was(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """What a builder adds for its own ends does not stay in the caller's context."""
        before = dict(build_context.get_extra_files())
        digest = build_context.digest()
        image_builder.build("contract/app:3", build_context)
        assert build_context.get_extra_files() == before
        assert build_context.digest() == digest

    def test_builds_may_run_side_by_side(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """One builder and one context serve several threads."""
        names = [f"contract/side-by-side:{number}" for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            built = list(pool.map(lambda name: image_builder.build(name, build_context), names))
        assert built == names

    def test_a_build_is_told_in_events(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """From the beginning over each instruction to the image."""
        told: list[Event] = []
        with listen(told.append):
            image_builder.build("contract/told:1", build_context, {"nocache": True})
        assert isinstance(told[0], BuildStarted)
        instructions = " ".join(one.instruction for one in told if isinstance(one, StepStarted))
        assert "COPY greeting.txt /greeting.txt" in instructions
        assert [one.image_name for one in told if isinstance(one, ImageBuilt)] == [
            "contract/told:1"
        ]

    def test_a_listener_may_end_the_build(
        self, image_builder: BaseImageBuilder, build_context: BuildContext
    ) -> None:
        """Its exception comes through unchanged."""

        class EnoughError(Exception):
            pass

        def stop(event: Event) -> None:
            if isinstance(event, BuildStarted):
                raise EnoughError

        with listen(stop), pytest.raises(EnoughError):
            image_builder.build("contract/app:4", build_context)

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

    def test_a_failing_step_is_an_error(self, image_builder: BaseImageBuilder) -> None:
        """The error is a `RuntimeError` and names the instruction."""
        context = image_builder.build_context_class()
        context.add_file("FROM scratch\nCOPY no-such-file /x\n", "Dockerfile")
        with pytest.raises(BuildError) as caught:
            image_builder.build("contract/app:5", context)
        assert isinstance(caught.value, RuntimeError)
        assert caught.value.instruction is not None
        assert "COPY no-such-file /x" in caught.value.instruction
        assert "COPY no-such-file /x" in str(caught.value)

    def test_a_syntax_error_is_an_error(self, image_builder: BaseImageBuilder) -> None:
        """The error names the word that is no instruction."""
        context = image_builder.build_context_class()
        context.add_file("FROM scratch\nFETCH x\n", "Dockerfile")
        with pytest.raises(BuildError, match="FETCH"):
            image_builder.build("contract/app:6", context)

    @pytest.mark.parametrize("name", [None, "other/Dockerfile"])
    def test_a_missing_dockerfile_is_an_error(
        self, image_builder: BaseImageBuilder, name: str | None
    ) -> None:
        """The error names the file that was looked for."""
        context = image_builder.build_context_class()
        context.add_file("x", "greeting.txt")
        with pytest.raises(ImageBuilderError, match=name or "Dockerfile") as caught:
            image_builder.build("contract/app:7", context, {"dockerfile": name})
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
