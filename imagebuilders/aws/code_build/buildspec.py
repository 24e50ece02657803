"""The buildspec: what a build of CodeBuild does, as YAML with shell commands in it.

Every word that comes from options, names or paths is quoted for the shell, and every command for
YAML, in ASCII alone, so that nothing can break out of either.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import field

from imagebuilders.lazy_dataclass import dataclass

DIGEST_VARIABLE = "IMAGEBUILDERS_DIGEST"
IMAGE_ID_VARIABLE = "IMAGEBUILDERS_IMAGE_ID"
"""The variables by which a build tells what it pushed."""

WORK = "imagebuilders"
"""The folder in which the build works, below the one that CodeBuild begins every command in."""

CONTEXT = f"{WORK}/context"
DOCKERFILE = f"{WORK}/dockerfile/Dockerfile"
METADATA = f"{WORK}/metadata.json"

_BUILDER = "imagebuilders"


@dataclass(frozen=True)
class Login:
    """A login at a registry, whose user and password stand in environment variables.

    Attributes:
        host: the registry's domain, with its port.
        user_variable, password_variable: the names of the variables.
    """

    host: str
    user_variable: str
    password_variable: str


@dataclass(frozen=True)
class ECRLogin:
    """A login at a registry of ECR, with a token of the build's own role."""

    host: str
    region: str
    is_public: bool = False


@dataclass(frozen=True)
class BuildPlan:
    """What a build is to do.

    Attributes:
        archive: the context's archive, `s3://bucket/key`.
        dockerfile: the path of the Dockerfile in the archive.
        keeps_dockerfile: whether it stays in the context.
        command: the words of the command that builds.
        logins: the registries that it logs in at.
        variables: environment variables of that command.
        needs_builder: whether a builder with a driver of its own is made for the command.
        buildkit_image: the image of that builder; by default buildx's own choice.
    """

    archive: str
    dockerfile: str
    keeps_dockerfile: bool
    command: Sequence[str] = field(repr=False)
    logins: Sequence[Login | ECRLogin] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    needs_builder: bool = False
    buildkit_image: str | None = None


def render_buildspec(plan: BuildPlan) -> str:
    """Return the buildspec of a plan.

    Raises:
        ValueError: a word holds a NUL byte or is not text that UTF-8 has bytes for.
    """
    lines = [
        "version: 0.2",
        "env:",
        "  exported-variables:",
        f"    - {DIGEST_VARIABLE}",
        f"    - {IMAGE_ID_VARIABLE}",
        "phases:",
    ]
    phases = {"pre_build": _preparing(plan), "build": _building(plan)}
    for phase, commands in phases.items():
        lines += [f"  {phase}:", "    on-failure: ABORT", "    commands:"]
        lines += [f"      - {_yaml(command)}" for command in commands]
    return "\n".join(lines) + "\n"


def _preparing(plan: BuildPlan) -> list[str]:
    archive, folder = f"{WORK}/context.tar.gz", DOCKERFILE.rpartition("/")[0]
    place = "cp" if plan.keeps_dockerfile else "mv"
    return [
        _all(["rm", "-rf", WORK], ["mkdir", "-p", CONTEXT, folder]),
        _shell(["aws", "s3", "cp", "--only-show-errors", plan.archive, archive]),
        _all(["tar", "-xzpf", archive, "-C", CONTEXT], ["rm", "-f", archive]),
        _shell([place, "--", f"{CONTEXT}/{plan.dockerfile}", DOCKERFILE]),
        # The rules were applied when the archive was made; a second time they might drop what was
        # added since. The file beside the Dockerfile counts before the one in the context.
        f"echo '# Everything is kept.' > {_shell([DOCKERFILE + '.dockerignore'])}",
        *map(_login, plan.logins),
    ]


def _login(login: Login | ECRLogin) -> str:
    if isinstance(login, ECRLogin):
        service = "ecr-public" if login.is_public else "ecr"
        token = _shell(["aws", service, "get-login-password", "--region", login.region])
        entry = ["docker", "login", "--username", "AWS", "--password-stdin", login.host]
        return f"{token} | {_shell(entry)}"
    return (
        f'printf %s "${{{login.password_variable}}}" | docker login '
        f'--username "${{{login.user_variable}}}" --password-stdin {_shell([login.host])}'
    )


def _building(plan: BuildPlan) -> list[str]:
    commands = []
    if plan.needs_builder:
        create = ["docker", "buildx", "create", "--name", _BUILDER, "--use"]
        create += ["--driver", "docker-container"]
        if plan.buildkit_image:
            create += ["--driver-opt", f"image={plan.buildkit_image}"]
        commands.append(_shell(create))
    variables = [f"{name}={_shell([value])}" for name, value in plan.variables.items()]
    commands.append(" ".join([*variables, _shell(plan.command)]))
    commands += [
        _exporting(DIGEST_VARIABLE, "containerimage.digest"),
        _exporting(IMAGE_ID_VARIABLE, "containerimage.config.digest"),
    ]
    return commands


def _exporting(variable: str, key: str) -> str:
    """Return a command that reads a digest among what buildx says of the result."""
    escaped = key.replace(".", r"\.")
    line = rf'^  "{escaped}": "\(sha256:[0-9a-f]*\)",\{{0,1\}}$'
    return f"export {variable}=\"$(sed -n 's/{line}/\\1/p' {METADATA})\""


def _all(*commands: Sequence[str]) -> str:
    return " && ".join(map(_shell, commands))


def _shell(words: Sequence[str]) -> str:
    """Return a simple command of the POSIX shell.

    Raises:
        ValueError: a word holds a NUL byte, which no command can be given.
    """
    for word in words:
        if "\0" in word:
            raise ValueError("a word of a command has a NUL byte in it")
    return shlex.join(words)


def _yaml(text: str) -> str:
    """Return a text as a scalar between double quotes, in ASCII, on one line.

    Raises:
        ValueError: it is not text that UTF-8 has bytes for.
    """
    import yaml  # takes a while to import

    text.encode()
    return str(yaml.safe_dump(text, default_style='"', width=sys.maxsize)).rstrip("\n")
