"""Repositories of ECR, which a push does not make by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.exceptions import AWSError

if TYPE_CHECKING:
    from imagebuilders.aws.calls import AWSCalls


def ensure_repository(
    calls: AWSCalls, name: str, *, account_id: str = "", is_immutable: bool = False
) -> bool:
    """Make a repository unless it is there; return whether it was made.

    Args:
        calls: requests to the service `ecr`, or `ecr-public`, which knows no account.
        name: the repository, without the registry: `team/app`.
        account_id: the account whose registry it is; by default that of the credentials.
        is_immutable: whether a tag that was pushed stays what it is, in a new repository.

    Raises:
        AWSError: it is not there and cannot be made.
    """
    account = {"registryId": account_id} if account_id else {}
    try:
        calls.call("describe_repositories", repositoryNames=[name], **account)
    except AWSError as error:
        # Who may not look may still be allowed to make one.
        if error.code not in ("RepositoryNotFoundException", "AccessDeniedException"):
            raise
    else:
        return False
    mutability = {"imageTagMutability": "IMMUTABLE"} if is_immutable else {}
    try:
        calls.call("create_repository", repositoryName=name, **account, **mutability)
    except AWSError as error:
        if error.code == "RepositoryAlreadyExistsException":  # another client was faster
            return False
        raise
    return True
