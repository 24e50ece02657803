"""The engine's texts where its versions differ; `{0}` and so on is what they are about."""

from __future__ import annotations

from collections.abc import Mapping

from .versions import ByVersion, EngineVersion

NO_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect '
    "this node to swarm and try again."
)
"""What an engine outside a swarm says when it is asked for something of one."""


class Message(ByVersion[str]):
    """A text that changed with versions."""

    def __call__(self, version: EngineVersion, *about: object) -> str:
        """Return the text of a version."""
        return self.of(version).format(*about)


NO_STREAM = Message(
    "Bad parameters: you must choose at least one stream",
    {"29.0": "must specify at least one of 'stdout' or 'stderr'"},
)
NO_PATH = Message(
    "bad parameter: pathcannot be empty", {"29.0": "bad parameter: path cannot be empty"}
)
IS_PAUSED = Message("Container {0} is already paused", {"29.0": "container {0} is already paused"})
BAD_PORT = Message("Invalid containerPort: {0}", {"29.0": "invalid containerPort: {0}"})
BAD_PROTOCOL = Message("Invalid proto: {0}", {"29.0": "invalid proto: {0}"})
NO_MANIFEST = Message(
    "open /var/lib/docker/tmp/docker-import/repositories: no such file or directory",
    {"29.0": "invalid archive: does not contain a manifest.json"},
)
"""An archive to load that has no images."""
NOT_IN_SUBNET = Message(
    "no configured subnet or ip-range contain the IP address {0}",
    {"29.0": "no configured subnet contains IP address {0}"},
)
NO_CHOSEN_ADDRESS = Message(
    "user specified IP address is supported on user defined networks only",
    {"29.0": "user-specified IP address is supported on user-defined networks only"},
)
NO_ALIAS = Message(
    "network-scoped alias is supported only for containers in user defined networks",
    {"29.0": "network-scoped aliases are only supported for user-defined networks"},
)
NO_ENDPOINT = Message(
    "no EndpointSettings for {0}",
    {"25.0": "invalid config for network {0}: EndpointsConfig is nil"},
)
OLD_MAC_ADDRESS = (
    "The container-wide MacAddress field is now deprecated. "
    "It should be specified in EndpointsConfig instead."
)
UNKNOWN_ISOLATION = Message("Unsupported isolation: {0}", {"23.0": "unsupported isolation: {0}"})
"""What is asked of a build; of a container, see `BAD_ISOLATION`."""
BAD_OUTPUTS = Message("{0}", {"23.0": "invalid outputs specified: {0}"})
NO_NAME = "Neither old nor new names may be empty"
BAD_LIMIT = Message(
    "Limit {0} is outside the range of [1, 100]",
    {"23.0": "limit {0} is outside the range of [1, 100]"},
)
"""Of a search."""
BAD_ISOLATION = Message(
    "Invalid isolation: \"{0}\" - linux only supports 'default'",
    {"28.0": "invalid isolation ({0}): linux only supports 'default'"},
)
BAD_QUALITY = Message(
    "Invalid QoS settings: linux does not support configuration of maximum {0}",
    {"28.0": "invalid option: QoS maximum {0} configuration is not supported on linux"},
)
BAD_CPU_COUNT = Message(
    "Range of CPUs is from 0.01 to {0}, as there are only {1} CPUs available",
    {"28.0": "range of CPUs is from 0.01 to {0}, as there are only {1} CPUs available"},
)
BAD_NETWORK_MODE = Message(
    "Invalid network mode: invalid container format container:<name|id>",
    {"28.0": "invalid network mode: invalid container format container:<name|id>"},
)
WRONG_OPTIONS = Message(
    'invalid mount config for type "{1}": field {0} must not be specified',
    {"23.0": '{0} must not be specified on mount type "{1}"'},
)
"""The options of a mount that belong to another type than its own."""
_NO_PORT = "driver failed programming external connectivity on endpoint {0}: {1}"
NO_PORT = Message(_NO_PORT, {"28.0": f"failed to set up container networking: {_NO_PORT}"})
"""The endpoint of a container that does not get its ports, and why."""
UNKNOWN_PROTOCOL = Message("invalid transport protocol: 0", {"28.0": "unknown protocol"})
"""Why a port of another protocol than TCP, UDP and SCTP is not published."""
NO_ADDRESS = Message(
    "Error starting userland proxy: listen {1}4 {0}: bind: cannot assign requested address",
    {"28.0": "failed to bind host port for {0}/{1}: cannot assign requested address"},
)
NO_LOG = Message(
    "failed to initialize logging driver: {0}",
    {"23.0": "failed to create task for container: failed to initialize logging driver: {0}"},
)
_RUNTIME = "failed to create shim task: OCI runtime create failed: runc create failed: {0}"
NO_TASK = Message(
    _RUNTIME + ": unknown",
    {
        "23.0": f"failed to create task for container: {_RUNTIME}: unknown",
        "28.0": f"failed to create task for container: {_RUNTIME}",
    },
)
"""What the runtime says of a container that it cannot start."""
STARTING = Message(
    "unable to start container process: ",
    {"28.0": "unable to start container process: error during container init: "},
)
"""What the runtime says first of a command that it cannot start."""
_EXEC = "OCI runtime exec failed: exec failed: unable to start container process: {0}"
NO_EXEC = Message(f"{_EXEC}: unknown", {"28.0": _EXEC})
"""What the runtime says of a command that it cannot start in a container."""
WRONG_KIND = (
    ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified "
    "host path exists and is the expected type"
)
"""What engines say after everything that is no directory."""
BAD_SIGNAL = Message("Invalid signal: {0}", {"23.0": "invalid signal: {0}"})
BAD_ADDRESS = Message("Invalid IPv4 address: {0}", {"23.0": "invalid IPv4 address: {0}"})
BAD_FILTER = Message("Invalid filter '{0}'", {"23.0": "invalid filter '{0}'"})
BAD_TARGET = Message(
    "failed to reach build target {0} in Dockerfile",
    {"23.0": 'target stage "{0}" could not be found'},
)
TAR_FAILURE = Message("Error processing tar file(exit status 1): {0}", {"23.0": "{0}"})
"""An archive that cannot be unpacked; older engines did that in another process."""
STREAM_FAILURE = Message("Error processing tar file({0}): ", {"23.0": "{0}"})
"""An archive that could be unpacked as far as it went, but could not be read to its end."""
NO_SPACE = Message(
    "Error processing tar file(exit status 1): write /{0}: no space left on device",
    {"23.0": "write /{0}: no space left on device"},
)
PIVOT_FAILURE = Message(
    "Error setting up pivot dir: mkdir {0}: not a directory",
    {"28.0": "error setting up pivot dir: mkdir {0}: not a directory"},
)
"""The reason when its destination is a file."""
DIGEST_AS_TAG = Message(
    "refusing to create a tag with a digest reference", {"23.0": "cannot import digest reference"}
)
MISSING_INSPECTED = Message("no such image: {0}: {1}", {"23.0": "{1}"})
"""An image that is not there, and why."""
REMOVED_CONTAINER = Message(
    "Removing intermediate container {0}\n", {"23.0": " ---> Removed intermediate container {0}\n"}
)
MISSING_NETWORK = Message(
    "network {0} not found",
    {"28.0": "failed to set up container networking: network {0} not found"},
)
_HOST = "container cannot be disconnected from host network or connected to host network"
HOST_CONNECTED = Message(
    _HOST,
    {
        "28.0": "cannot connect container to host network - container must be created in host "
        "network mode"
    },
)
HOST_DISCONNECTED = Message(
    _HOST,
    {
        "28.0": "cannot disconnect container from host network - container was created in host "
        "network "
        "mode"
    },
)
NO_POOL = Message(
    "could not find an available, non-overlapping IPv4 address pool among the defaults "
    "to assign to the network",
    {"28.0": "all predefined address pools have been fully subnetted"},
)
NO_CREDENTIALS = Message(
    "Bad parameters and missing X-Registry-Auth: {0}",
    {"23.0": "bad parameters and missing X-Registry-Auth: invalid X-Registry-Auth header: {0}"},
)
OTHER_PLATFORM = Message(
    "image with reference {0} was found but does not match the specified platform: "
    "wanted {2}, actual: {1}",
    {
        "28.0": "image with reference {0} was found but its platform ({1}) does not match the "
        "specified "
        "platform ({2})"
    },
)
"""An image, its platform, and that which was asked for."""
NO_SUCH_PLATFORM = (
    "image with reference {0} was found but does not provide the specified platform ({1})"
)
"""An image of containerd's store, and the platform that was asked for."""
NO_CONFIG = Message(
    "Config cannot be empty in order to create a container",
    {"23.0": "config cannot be empty in order to create a container"},
)
NO_COMMAND = Message("No command specified", {"23.0": "no command specified"})
NOT_RUNNING = Message("Container {0} is not running", {"23.0": "container {0} is not running"})
RESTARTING = "Container {0} is restarting, wait until the container is running"
BAD_RUNTIME = Message(
    "Unknown runtime specified {0}", {"23.0": "unknown or invalid runtime name: {0}"}
)
BAD_POLICY = Message(
    "invalid restart policy '{0}'",
    {
        "23.0": "invalid restart policy: unknown policy '{0}'; use one of 'no', 'always', "
        "'on-failure', or "
        "'unless-stopped'"
    },
)
POLICY_WITHOUT_COUNT = Message(
    "maximum retry count cannot be used with restart policy '{0}'",
    {"23.0": "invalid restart policy: maximum retry count can only be used with 'on-failure'"},
)
NEGATIVE_COUNT = Message(
    "maximum retry count cannot be negative",
    {"23.0": "invalid restart policy: maximum retry count cannot be negative"},
)
NO_KILL = Message("Cannot kill container: {0}: {1}", {"23.0": "cannot kill container: {0}: {1}"})
NO_CONTAINER_NETWORK = Message(
    "cannot join network of a non running container: {0}",
    {"28.0": "cannot join network namespace of a non running container: container {1} is {2}"},
)
"""The id, name and status of another container whose network is to be joined."""
MISSING_OTHER = Message("no such container {0}", {"23.0": "No such container: {0}"})
BAD_CODE = Message(
    'strconv.Atoi: parsing "{0}": invalid syntax',
    {"23.0": "invalid filter 'exited={0}': strconv.Atoi: parsing \"{0}\": invalid syntax"},
)
HAS_RUN = Message(
    "Error: Exec command {0} has already run", {"28.0": "exec command {0} has already run"}
)
BAD_STATE = Message(
    "Invalid filter 'status={0}'",
    {
        "23.0": "invalid filter 'status={0}'",
        "28.0": "invalid filter 'status={0}': invalid value for state ({0}): must be one of "
        "created, "
        "running, paused, restarting, removing, exited, dead",
    },
)
BAD_HEALTH = Message(
    "Unrecognised filter value for health: {0}",
    {
        "23.0": "unrecognized filter value for health: {0}",
        "28.0": "invalid filter 'health={0}': invalid value for health ({0}): must be one of none, "
        "starting, healthy, unhealthy",
    },
)
REMOVED_WHILE_UP = Message(
    "You cannot remove a {3} container {2}. Stop the container before attempting removal or force "
    "remove",
    {
        "23.0": 'cannot remove container "/{0}": container is {3}: stop the container before '
        "removing or "
        "force remove",
        "28.0": 'cannot remove container "{1}": container is {3}: stop the container before '
        "removing or "
        "force remove",
    },
)
"""The name of a container, the name it was asked for by, its id and its status."""
REMOVED_WHILE_PAUSED = Message(
    "You cannot remove a {3} container {2}. Unpause and then stop the container before attempting "
    "removal or force remove",
    {
        "23.0": 'cannot remove container "/{0}": container is paused and must be unpaused first',
        "28.0": 'cannot remove container "{1}": container is paused and must be unpaused first',
    },
)
UNSUPPORTED_SIGNAL = Message(
    "The linux daemon does not support signal {0}",
    {"23.0": "the linux daemon does not support signal {0}"},
)
BAD_SIZE = Message(
    'strconv.Atoi: parsing "{1}": invalid syntax', {"28.0": 'invalid resize {0} "{1}": {2}'}
)
"""A terminal's height or width, its value, and what is wrong with that."""
NETWORK_IN_USE = Message(
    "network {0} id {1} has active endpoints", {"28.0": "network {0} has active endpoints ({2})"}
)
"""A network's name, id, and who is in it."""


def members(names: Mapping[str, str]) -> str:
    """Return the names with the ids of their endpoints, as an error lists them."""
    return ", ".join(f'name:"{name}" id:"{key[:12]}"' for name, key in names.items())
