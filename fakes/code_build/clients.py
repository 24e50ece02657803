"""Clients of the double, for what stands on its own side."""

from __future__ import annotations

from typing import Any

from imagebuilders.aws.clients import model_loader


def make_client(service: str, **settings: Any) -> Any:
    """Return a client that asks once, and uses no proxy.

    Args:
        service: the service, as boto3 names it.
        settings: who to be and where to ask, as boto3 names them.
    """
    import botocore.session  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    session = botocore.session.get_session()
    session.register_component("data_loader", model_loader())
    config = Config(retries={"total_max_attempts": 1}, proxies={}, s3={"addressing_style": "path"})
    return session.create_client(service, config=config, **settings)
