"""The pods of a builder on Kubernetes, by `kubectl`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from imagebuilders.buildkit.daemon import Daemon, endpoint_daemon
from imagebuilders.buildkit.daemon_address import kube_pod_endpoint, kubectl_flags
from imagebuilders.exceptions import BuildKitError

LIST_SECONDS = 20.0
"""So long `kubectl` may take to list pods."""

_SHOWN_CHARACTERS = 500


def deployment_daemons(
    deployment: str,
    *,
    namespace: str = "",
    kubeconfig: str = "",
    platforms: tuple[str, ...] = (),
) -> list[Daemon]:
    """Return the daemons in the pods of a deployment that run now.

    Args:
        deployment: the deployment's name, which its pods have as their label `app`.
        namespace: its namespace; that of kubectl's current context by default.
        kubeconfig: the file of kubectl's settings.
        platforms: what they are meant to build; anything by default.

    Raises:
        BuildKitError: the pods cannot be listed, or none runs.
    """
    flags = kubectl_flags(namespace=namespace, kubeconfig=kubeconfig)
    pods = [pod for pod in _list_pods(deployment, flags) if _runs(pod)]
    if not pods:
        where = f" in the namespace {namespace}" if namespace else ""
        raise BuildKitError(
            f"No pod of the deployment {deployment}{where} runs. `docker buildx inspect "
            "--bootstrap` starts those of a builder."
        )
    return [
        endpoint_daemon(
            f"kube-pod://{name}",
            kube_pod_endpoint(
                name, namespace=namespace, container=_container(pod), kubeconfig=kubeconfig
            ),
            platforms,
        )
        for name, pod in sorted((str(pod["metadata"]["name"]), pod) for pod in pods)
    ]


def _list_pods(deployment: str, flags: Sequence[str]) -> list[dict[str, Any]]:
    command = [
        *("kubectl", *flags, "get", "pods"),
        *(f"--selector=app={deployment}", "--output=json"),
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIST_SECONDS,
            check=False,
        )
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[-_SHOWN_CHARACTERS:]
            raise _failed(deployment, f"kubectl ended with exit code {done.returncode}: {said}")
        items = json.loads(done.stdout)["items"]
        return [pod for pod in items if isinstance(pod["metadata"]["name"], str)]
    except subprocess.TimeoutExpired as error:
        raise _failed(deployment, f"kubectl took longer than {LIST_SECONDS:g} s") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _failed(deployment, f"the command kubectl cannot be run: {reason}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _failed(deployment, "what kubectl printed is not a list of pods") from error


def _runs(pod: dict[str, Any]) -> bool:
    status = pod.get("status")
    return isinstance(status, dict) and status.get("phase") == "Running"


def _container(pod: dict[str, Any]) -> str:
    try:
        return str(pod["spec"]["containers"][0]["name"])
    except (KeyError, IndexError, TypeError):
        return ""


def _failed(deployment: str, reason: str) -> BuildKitError:
    return BuildKitError(
        f"The pods of the deployment {deployment} cannot be listed: {reason.rstrip('.')}."
    )
