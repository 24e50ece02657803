"""`aws`, as far as builds need it: copying an object out of S3, and passwords for ECR.

https://docs.aws.amazon.com/cli/latest/reference/
"""

from __future__ import annotations

import base64
from typing import Any

from ..clients import make_client
from .host import Command, UsageError, options_of


def run_aws(command: Command) -> int:
    """Run a command of `aws`.

    Raises:
        UsageError: the real one, or the double, does not take it.
    """
    match command.arguments:
        case ["s3", "cp", *words]:
            return _copy(command, words)
        case ["ecr" | "ecr-public" as service, "get-login-password", *words]:
            return _password(command, service, words)
        case _:
            words = command.arguments[:2]
            raise UsageError(f"error: argument command: Invalid choice: {words}")


def _copy(command: Command, words: list[str]) -> int:
    _, places = options_of(words, valued=frozenset(), switches=frozenset({"--only-show-errors"}))
    if len(places) != 2:
        raise UsageError("error: the following arguments are required: paths")
    source, target = places
    if not source.startswith("s3://") or target.startswith("s3://"):
        raise UsageError("error: Invalid argument type")
    bucket, _, key = source.removeprefix("s3://").partition("/")
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    client = _client(command, "s3")
    try:
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (BotoCoreError, ClientError) as error:
        command.complain(f"fatal error: {error}\n")
        return 1
    finally:
        client.close()
    command.path(target).write_bytes(body)
    return 0


def _password(command: Command, service: str, words: list[str]) -> int:
    options, rest = options_of(words, valued=frozenset({"--region"}))
    if rest:
        raise UsageError(f"error: Unknown options: {rest}")
    client = _client(command, service, options.get("--region", [""])[-1])
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        data = client.get_authorization_token()["authorizationData"]
    except (BotoCoreError, ClientError) as error:
        command.complain(f"\n{error}\n")
        return 254
    finally:
        client.close()
    token = (data[0] if isinstance(data, list) else data)["authorizationToken"]
    command.tell(base64.b64decode(token).decode().partition(":")[2] + "\n")
    return 0


def _client(command: Command, service: str, region: str = "") -> Any:
    env = command.environment
    return make_client(
        service,
        region_name=region or env.get("AWS_DEFAULT_REGION"),
        endpoint_url=env.get("AWS_ENDPOINT_URL"),
        aws_access_key_id=env.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY"),
    )
