"""A remote builder: a service fetches the context, builds it, and tells what happens as it does.

The service takes one JSON object by POST, and answers with JSON lines: {"step": …, "number": …,
"total": …}, {"output": …}, {"image_id": …, "digest": …} or {"error": …, "instruction": …}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import urllib3

from imagebuilders import (
    BaseContainerRegistry,
    BaseImageBuilder,
    BaseImageBuilderConfig,
    BaseImageBuilderFlavor,
    BuildContext,
    DockerBuildOptions,
)
from imagebuilders.events import (
    BuildStarted,
    ImageBuilt,
    ImagePushed,
    StepOutput,
    StepStarted,
    emit,
)
from imagebuilders.exceptions import BuildError, ConfigurationError


class KilnConfig(BaseImageBuilderConfig):
    """Where the service is."""

    url: str


class KilnImageBuilder(BaseImageBuilder[KilnConfig]):
    """Has the service build from the active stack's artifact store, and push."""

    @property
    def is_building_locally(self) -> bool:
        """`False`."""
        return False

    def build(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build and push an image; return its repo digest."""
        options = DockerBuildOptions.from_any(docker_build_options)
        if container_registry is None:
            from imagebuilders.oci.reference import parse_build_target

            parse_build_target(image_name)  # a malformed name is told first
            raise ConfigurationError("Kiln pushes what it builds: give a container registry.")
        target = container_registry.check_image_name(image_name)
        emit(BuildStarted(str(target), f"Kiln at {self.config.url}"))
        context = build_context.for_dockerfile(options.dockerfile or "Dockerfile")
        archive = self.upload_build_context(context, "kiln")
        order = {"archive": archive, "image": str(target), "flags": options.to_cli_flags()}
        with urllib3.PoolManager() as http:
            answer = http.request("POST", self.config.url, json=order, preload_content=False)
            for line in answer:
                match json.loads(line):
                    case {"step": name, "number": number, "total": total}:
                        emit(StepStarted(number, total, name))
                    case {"output": text}:
                        emit(StepOutput(0, text))
                    case {"error": words, "instruction": instruction}:
                        raise BuildError(words, instruction=instruction)
                    case {"image_id": image_id, "digest": digest}:
                        emit(ImageBuilt(str(target), image_id))
                        emit(ImagePushed(f"{target.repository}@{digest}"))
                        return f"{target.repository}@{digest}"
        raise BuildError(f"Kiln broke off while it built {target}.")


class KilnFlavor(BaseImageBuilderFlavor):
    """The flavor `kiln`."""

    name = "kiln"
    config_class = KilnConfig
    implementation_class = KilnImageBuilder
