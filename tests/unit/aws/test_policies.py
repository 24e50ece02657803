"""The policies that the docs give: each action is named by a request, and no request lacks one."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_mock import MockerFixture

from fakes.code_build.requests import Caller
from imagebuilders import BuildContext, ECRContainerRegistry, S3ArtifactStore, Stack
from imagebuilders.artifact_stores.s3 import turn
from imagebuilders.exceptions import BuildError, UploadError

if TYPE_CHECKING:
    Cloud = Any

_PAGE = Path(__file__).parents[3] / "docs" / "code-build.md"

_ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListParts": "s3:ListMultipartUploadParts",
}
"""Requests whose action has another name
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""

_REGISTRY_ACTIONS = {
    "check blob": {"ecr:BatchCheckLayerAvailability"},
    "pull blob": {"ecr:GetDownloadUrlForLayer"},
    "check manifest": {"ecr:BatchGetImage"},
    "pull manifest": {"ecr:BatchGetImage"},
    "start upload": {"ecr:InitiateLayerUpload"},
    "append upload": {"ecr:UploadLayerPart"},
    # Engines that keep images in containerd's store send the layer with this request.
    "finish upload": {"ecr:UploadLayerPart", "ecr:CompleteLayerUpload"},
    "push manifest": {"ecr:PutImage"},
}
"""What ECR asks for a request of the registry's protocol
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html)."""


def _listed() -> list[set[str]]:
    """The actions of each policy on the page, in order."""
    found = []
    for block in re.findall(r"```json\n(.*?)```", _PAGE.read_text(), re.DOTALL):
        actions: set[str] = set()
        for statement in json.loads(block)["Statement"]:
            action = statement["Action"]
            actions.update([action] if isinstance(action, str) else action)
        found.append(actions)
    return found


def _asked(cloud: Cloud, caller: Caller) -> set[str]:
    """The actions that requests to AWS stood for."""
    names = [f"{one.service}:{one.operation}" for one in cloud.aws.requests if one.caller == caller]
    return {_ACTIONS.get(name, name) for name in names}


def _asked_of_registry(cloud: Cloud) -> set[str]:
    """The actions that requests to the registry stood for, since they were forgotten last."""
    names = [one.operation.value for one in cloud.aws.registry.requests]
    return {action for name in names if name != "ping" for action in _REGISTRY_ACTIONS[name]}


@pytest.fixture
def registry(cloud: Cloud) -> Iterator[ECRContainerRegistry]:
    """A registry whose repositories are made."""
    with_repositories = {**cloud.aws.registry_settings, "create_repositories": True}
    made = ECRContainerRegistry(**with_repositories)
    yield made
    made.close()


def _leave_upload(cloud: Cloud, mocker: MockerFixture) -> None:
    """Let an archive be missing whose upload by another client is under way, and silent."""
    objects = cloud.aws.client("s3")
    for entry in objects.list_objects_v2(Bucket="contexts", Prefix="parts/")["Contents"]:
        objects.delete_object(Bucket="contexts", Key=entry["Key"])
        objects.create_multipart_upload(Bucket="contexts", Key=entry["Key"])
    mocker.patch.object(turn, "LONGEST_SILENCE", -1.0)


def test_the_rights_of_whoever_builds(
    cloud: Cloud, context: BuildContext, registry: ECRContainerRegistry, mocker: MockerFixture
) -> None:
    """Contexts small, large, refused and begun, repositories made, builds skipped and stopped."""
    name = cloud.name()
    for _ in range(2):
        cloud.aws.registry.forget_requests()
        cloud.builder.build(name, context, None, registry, skip_unchanged=True)
    assert len(cloud.aws.code_build.builds) == 1
    skipping = _asked_of_registry(cloud)  # by the second attempt, which began no build

    context.add_file(random.Random(1).randbytes(6 * 1024 * 1024), "noise")
    settings = {**cloud.aws.settings, "addressing_style": "path", "part_size": 5 * 1024 * 1024}
    with (
        S3ArtifactStore(path="s3://contexts/parts", **settings) as store,
        Stack(cloud.builder, store, registry).activate(),
    ):
        cloud.aws.faults.add("UploadPart", "deny")
        with pytest.raises(UploadError):
            cloud.builder.build(name, context, None, registry)
        cloud.builder.build(name, context, None, registry)
        _leave_upload(cloud, mocker)
        cloud.builder.build(name, context, None, registry)
    from_here = _asked(cloud, "client")

    cloud.aws.code_build.hangs_in = "QUEUED"
    with cloud.make_builder(wait_timeout=0.1) as builder, pytest.raises(BuildError):
        builder.build(name, context, None, registry)
    # No request is named so: it lets S3 tell whoever looks that an object is missing.
    listing = {"s3:ListBucket"}
    assert _asked(cloud, "client") - from_here == {"codebuild:StopBuild"}
    assert _listed()[0] == _asked(cloud, "client") | skipping | listing


def test_the_rights_of_the_project_s_role(cloud: Cloud, context: BuildContext) -> None:
    """A build on a base image in ECR, with secrets from both services."""
    cloud.aws.registry.seed("team/base:1", files={"b": "b"})
    cloud.build(context)
    secret = f'{{"username": "AWS", "password": "{cloud.aws.code_build.ecr_password}"}}'
    cloud.aws.client("secretsmanager").create_secret(Name="reg", SecretString=secret)
    cloud.aws.client("ssm").put_parameter(Name="/tok", Value="x", Type="SecureString")
    above = BuildContext()
    above.add_file(f"FROM {cloud.name('team/base:1')}\nCOPY a /a\n", "Dockerfile")
    above.add_file("a", "a")
    host = cloud.aws.registry.address
    with cloud.make_builder(
        secrets={"tok": "ssm:/tok"}, registry_credentials={host: "secretsmanager:reg"}
    ) as builder:
        builder.build(cloud.name(), above, {"pull": True}, cloud.registry)
        builder.build(cloud.name(), above, {"secrets": ["id=tok"]}, cloud.registry)
    assert _listed()[1] == _asked(cloud, "build") | _asked_of_registry(cloud)
