"""Build options: names and spellings."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from docker.api.build import BuildApiMixin
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.build_options import (
    Annotation,
    Attestation,
    BuildCache,
    BuildOutput,
    BuildSecret,
    ContainerLimits,
    DockerBuildOptions,
    HostAddress,
    SSHAgent,
    Ulimit,
)
from imagebuilders.build_options.parsing import format_fields, parse_fields, parse_size
from imagebuilders.exceptions import BuildOptionsError


def test_every_keyword_of_the_docker_sdk_is_known() -> None:
    """Except those by which the SDK gets context and name, which the builder has already."""
    keywords = set(inspect.signature(BuildApiMixin.build).parameters) - {"self"}
    own = {"path", "fileobj", "custom_context", "tag", "decode"}
    assert keywords - own <= set(DockerBuildOptions.model_fields)
    for name in own & keywords:
        with pytest.raises(BuildOptionsError, match=f"{name!r} cannot be given here"):
            DockerBuildOptions.from_any({name: "x"})


def test_options_come_as_dict_or_object_or_not_at_all() -> None:
    """An object is taken as it is."""
    options = DockerBuildOptions(target="x")
    assert DockerBuildOptions.from_any(options) is options
    assert DockerBuildOptions.from_any({"target": "x"}) == options
    assert DockerBuildOptions.from_any(None) == DockerBuildOptions()
    with pytest.raises(BuildOptionsError, match="not list"):
        DockerBuildOptions.from_any([])  # type: ignore[arg-type]


def test_a_name_that_is_no_text_is_an_error() -> None:
    """Python would refuse it as a keyword with an error of its own."""
    with pytest.raises(BuildOptionsError, match="no build option 1"):
        DockerBuildOptions.from_any({1: 2})  # type: ignore[dict-item]


def test_time_is_finite() -> None:
    """No limit is spelled `None`; a socket takes no infinity."""
    with pytest.raises(BuildOptionsError, match="timeout"):
        DockerBuildOptions(timeout=float("inf"))


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("build_args", "buildargs"),
        ("buildarg", "buildargs"),
        ("--no-cache", "nocache"),
        ("Labels", "labels"),
        ("add-host", "extra_hosts"),
        ("memory", "container_limits"),
        ("qqqqqq", None),
    ],
)
def test_an_unknown_option_is_named_with_the_nearest(name: str, suggestion: str | None) -> None:
    """Flags of the command line lead to their keyword."""
    with pytest.raises(BuildOptionsError) as caught:
        DockerBuildOptions.from_any({name: "x"})
    assert caught.value.option == name
    assert caught.value.suggestion == suggestion
    assert f"no build option {name!r}" in str(caught.value)
    assert ("Did you mean" in str(caught.value)) == (suggestion is not None)


def test_an_unknown_keyword_is_the_same_error() -> None:
    """The class raises no error of pydantic's."""
    with pytest.raises(BuildOptionsError, match="Did you mean 'target'"):
        DockerBuildOptions(tarjet="x")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "option", "complaint"),
    [
        ({"pull": "perhaps"}, "pull", "pull: input should be a valid boolean"),
        ({"buildargs": ["=s3cret"]}, "buildargs", "write each as K=V"),
        ({"buildargs": {"A": ["s3cret"]}}, "buildargs", "keys and values are texts"),
        ({"buildargs": {"A": True}}, "buildargs", "keys and values are texts"),
        ({"buildargs": [3]}, "buildargs", "write each as K=V"),
        ({"labels": ["=s3cret"]}, "labels", "write each as K=V"),
        ({"labels": [""]}, "labels", "write each as K=V"),
        ({"labels": [1]}, "labels", "write each as K=V"),
        ({"extra_hosts": ["host"]}, "extra_hosts", "write each as host:ip"),
        ({"extra_hosts": ["host:"]}, "extra_hosts", "write each as host:ip"),
        ({"shmsize": "9" * 400}, "shmsize", "write a size as"),
        ({"shmsize": 1 << 63}, "shmsize", "too large"),
        ({"shmsize": "9999999999g"}, "shmsize", "too large"),
        ({"shmsize": 10**5000}, "shmsize", "too large"),
        ({"shmsize": float("nan")}, "shmsize", "write a size as"),
        ({"shmsize": float("inf")}, "shmsize", "write a size as"),
        ({"timeout": float("nan")}, "timeout", "finite number"),
        ({"timeout": 10**400}, "timeout", "timeout"),
        ({"buildargs": {"A": 10**5000}}, "buildargs", "too large"),
        ({"buildargs": {"A": "s3cret\ud800"}}, "buildargs", "encoded as UTF-8"),
        ({"labels": {"A": "s3cret\0"}}, "labels", "zero byte"),
        ({"target": "\ud800"}, "target", "encoded as UTF-8"),
        ({"network_mode": "a\0"}, "network_mode", "zero byte"),
        ({"platform": ["linux/\ud800"]}, "platform", "encoded as UTF-8"),
        ({"platform": [1]}, "platform", "write each as os"),
        ({"dockerfile": "\ud800"}, "dockerfile", "encoded as UTF-8"),
        ({"cache_from": "\ud800"}, "cache_from", "encoded as UTF-8"),
        ({"ulimit": ["nofile"]}, "ulimit", "write a ulimit as"),
        ({"ulimit": ["nofile=3:2"]}, "ulimit", "at most the hard one"),
        ({"ulimit": ["nofile=x"]}, "ulimit", "a whole number"),
        ({"ulimit": ["nofile=" + "9" * 30]}, "ulimit", "a whole number"),
        ({"ulimit": [{"Name": "nofile"}]}, "ulimit", "a whole number"),
        ({"build_contexts": ["base"]}, "build_contexts", "write each as name=value"),
        ({"build_contexts": {"base": ""}}, "build_contexts", "write each as name=value"),
        ({"no_cache_filter": [1]}, "no_cache_filter", "write each as a name"),
        ({"secrets": [{"id": "a", "get": "s3cret"}]}, "secrets", "a function under get"),
        ({"secrets": [{"get": str}]}, "secrets", "a function under get"),
        ({"shmsize": "lots"}, "shmsize", "write a size as"),
        ({"shmsize": True}, "shmsize", "write a size as"),
        ({"shmsize": [1]}, "shmsize", "write a size as"),
        ({"timeout": 0}, "timeout", "greater than 0"),
        ({"container_limits": 5}, "container_limits", "write each as memory"),
        ({"resource": ["memory"]}, "container_limits", "write each as memory"),
        ({"resource": ["memory=1g,cpu-quota=5"]}, "container_limits", "write a size as"),
        ({"resource": ["cpu-quota=x"]}, "container_limits", "a whole number"),
        (
            {"container_limits": {"memory-swap": 1, "memswap": 1}},
            "container_limits",
            "'memswap' is given twice",
        ),
        ({"attest": "provenance"}, "attest", "write it as key=value"),
        ({"attest": "mode=max"}, "attest", "needs a type"),
        ({"attest": "type="}, "attest", "needs a type"),
        ({"attest": "type=sbom,disabled=x"}, "attest", "disabled is true or false"),
        ({"provenance": "max"}, "provenance", "write it as key=value"),
        ({"provenance": "mode=max,x"}, "provenance", "write it as key=value"),
        ({"provenance": Attestation("sbom")}, "provenance", "belongs under attest"),
        ({"sbom": "max"}, "sbom", "write it as key=value"),
        ({"annotation": "a"}, "annotations", "write an annotation as key=value"),
        ({"annotation": "bogus:a=b"}, "annotations", "is put on manifest, index"),
        ({"annotation": "manifest[x/y/z/u]:a=b"}, "annotations", "platform"),
        ({"annotations": [1]}, "annotations", "write each as key=value"),
        ({"allow": "fs.read=/"}, "allow", "the entitlements network.host"),
        ({"allow": "network.host,security.insecure"}, "allow", "the entitlements network.host"),
        ({"allow": "network.host=x"}, "allow", "takes no value"),
        ({"allow": "buildx.local.delete"}, "allow", "the entitlements network.host"),
        ({"policy": "filename=p.rego"}, "policy", "docker buildx itself evaluates"),
        ({"policy": "policy.rego"}, "policy", "docker buildx itself evaluates"),
        ({"progress": "bogus"}, "progress", "rawjson"),
        ({"container_limits": {"cpu": 1}}, "container_limits", "no limit 'cpu'"),
        ({"container_limits": {"memory": "x"}}, "container_limits", "write a size as"),
        ({"container_limits": {"memory": -1}}, "container_limits", "write a size as"),
        ({"container_limits": {"cpushares": "x"}}, "container_limits", "a whole number"),
        ({"container_limits": {"memory": "9" * 400 + "g"}}, "container_limits", "write a size"),
        ({"container_limits": {"memswap": 10**400}}, "container_limits", "too large"),
        ({"container_limits": {"cpushares": "9" * 5000}}, "container_limits", "a whole number"),
        ({"container_limits": {"cpushares": True}}, "container_limits", "a whole number"),
        ({"container_limits": {"cpusetcpus": 1}}, "container_limits", "such as '0-3'"),
        ({"secrets": ["s3cret"]}, "secrets", "write it as key=value"),
        ({"secrets": ["env=s3cret"]}, "secrets", "a secret needs an id"),
        ({"secrets": ["id=a,value=s3cret"]}, "secrets", "no key 'value'"),
        ({"secrets": ["id=a,env=B,src=c"]}, "secrets", "not from both"),
        ({"secrets": ["id=a,type=s3cret"]}, "secrets", "'env' or 'file'"),
        ({"secrets": ['"id=a']}, "secrets", "quotes are not balanced"),
        ({"secrets": [""]}, "secrets", "write it as key=value"),
        ({"secrets": [3]}, "secrets", "instance of BuildSecret"),
        ({"ssh": ["=x"]}, "ssh", "write an SSH agent as"),
        ({"ssh": ["a=x,"]}, "ssh", "write an SSH agent as"),
        ({"cache_to": ["ref=x"]}, "cache_to", "a cache needs a type"),
        ({"cache_to": ["a,b"]}, "cache_to", "write a cache as"),
        ({"outputs": ["name=x"]}, "outputs", "an output needs a type"),
        ({"outputs": ["a,b"]}, "outputs", "write an output as"),
        ({"outputs": [""]}, "outputs", "write an output as"),
    ],
)
def test_a_wrong_value_is_an_error_that_repeats_no_value(
    options: dict[str, object], option: str, complaint: str
) -> None:
    """It names the option and the right form; the value may be a secret."""
    with pytest.raises(BuildOptionsError, match=complaint) as caught:
        DockerBuildOptions.from_any(options)
    assert caught.value.option == option
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_values_may_be_spelled_as_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of `K=V`, sizes with units, hosts as `host:ip`."""
    monkeypatch.setenv("FROM_ENV", "e")
    monkeypatch.delenv("UNSET", raising=False)
    options = DockerBuildOptions.from_any(
        {
            "buildargs": ["A=1=2", "FROM_ENV", "UNSET"],
            "labels": ["a=b", "empty=", "bare"],
            "extra_hosts": ["db:10.0.0.2", "v6:::1", "new=[::2]", "db:10.0.0.3"],
            "container_limits": {"memory": "512m", "memswap": -1, "cpushares": "2"},
            "shmsize": "1.5 GiB",
            "cache_from": "team/app:cache",
            "secrets": "id=tok,env=TOK",
            "ssh": ["default", "key=/a,/b"],
            "cache_to": "type=local,dest=c",
            "outputs": ["out", "-", 'type=local,"dest=a,b"', {"type": "tar", "dest": "x"}],
        }
    )
    assert options.buildargs == {"A": "1=2", "FROM_ENV": "e", "UNSET": None}
    assert options.labels == {"a": "b", "empty": "", "bare": ""}
    assert options.extra_hosts == (
        HostAddress("db", "10.0.0.2"),
        HostAddress("v6", "::1"),
        HostAddress("new", "::2"),
        HostAddress("db", "10.0.0.3"),
    )
    assert options.container_limits == ContainerLimits(512 * 1024**2, -1, 2)
    assert options.shmsize == 1536 * 1024**2
    assert options.cache_from == (BuildCache("registry", (("ref", "team/app:cache"),)),)
    assert options.secrets == (BuildSecret("tok", env="TOK"),)
    assert options.ssh == (SSHAgent(), SSHAgent("key", ("/a", "/b")))
    assert options.cache_to == (BuildCache("local", (("dest", "c"),)),)
    assert options.outputs == (
        BuildOutput("local", (("dest", "out"),)),
        BuildOutput("tar", (("dest", "-"),)),
        BuildOutput("local", (("dest", "a,b"),)),
        BuildOutput("tar", (("dest", "x"),)),
    )


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("id=a", BuildSecret("a")),
        ("id=a,src=f", BuildSecret("a", src="f")),
        ("source=f,id=a,type=file", BuildSecret("a", src="f")),
        ("type=env,id=a,src=V", BuildSecret("a", env="V")),
        ("ID=a, env=V", BuildSecret("a", env="V")),
    ],
)
def test_secrets_have_several_spellings(text: str, secret: BuildSecret) -> None:
    """All that `docker build` takes."""
    assert BuildSecret.parse(text) == secret
    assert BuildSecret.parse(str(secret)) == secret


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (5, 5),
        ("64", 64),
        ("64b", 64),
        ("1k", 1024),
        ("1KB", 1024),
        ("2MiB", 2 << 20),
        ("0.5g", 1 << 29),
    ],
)
def test_sizes_have_binary_units(value: object, size: int) -> None:
    """As in every option of `docker`."""
    assert parse_size(value) == size


fields = st.dictionaries(
    st.from_regex(r"[a-z]{1,5}", fullmatch=True),
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=8),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(fields)
def test_fields_survive_a_round_trip(value: dict[str, str]) -> None:
    """Commas and quotes are written so that they are read again."""
    assert parse_fields(format_fields(list(value.items()))) == value


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='id=src,env"\n x', max_size=12))
def test_any_text_is_a_secret_or_an_error(text: str) -> None:
    """Nothing but `ValueError` comes out, and what passes survives a round trip."""
    try:
        secret = BuildSecret.parse(text)
    except ValueError:
        return
    assert BuildSecret.parse(str(secret)) == secret


ALL = DockerBuildOptions(
    dockerfile="d/Dockerfile",
    buildargs={"A": "1", "B": None},
    labels={"l": "v"},
    target="t",
    platform="linux/amd64",
    cache_from=["team/app"],
    pull=True,
    nocache=True,
    network_mode="none",
    extra_hosts={"h": "1.2.3.4"},
    container_limits={"memory": 5, "memswap": 6, "cpushares": 7, "cpusetcpus": "0"},
    shmsize=64,
    squash=True,
    isolation="default",
    rm=False,
    forcerm=True,
    use_config_proxy=False,
    quiet=True,
    timeout=9,
    gzip=True,
)


def test_options_become_flags_of_the_command() -> None:
    """Ready to be put after `docker build`."""
    assert ALL.to_cli_flags() == [
        *("--file", "d/Dockerfile", "--build-arg", "A=1", "--build-arg", "B"),
        *("--label", "l=v", "--target", "t", "--platform", "linux/amd64"),
        *("--cache-from", "team/app", "--network", "none", "--add-host", "h:1.2.3.4"),
        *("--memory", "5", "--memory-swap", "6", "--cpu-shares", "7", "--cpuset-cpus", "0"),
        *("--shm-size", "64", "--isolation", "default"),
        *("--pull", "--no-cache", "--squash", "--force-rm", "--quiet", "--compress"),
        "--rm=false",
    ]
    buildkit = DockerBuildOptions(
        secrets=["id=tok,env=TOK"],
        ssh=["default", "k=/a,/b"],
        cache_from=["type=gha,scope=x"],
        cache_to=["type=inline"],
        outputs=["type=local,dest=out"],
    )
    assert buildkit.to_cli_flags() == [
        *("--cache-from", "type=gha,scope=x", "--secret", "id=tok,env=TOK"),
        *("--ssh", "default", "--ssh", "k=/a,/b", "--cache-to", "type=inline"),
        *("--output", "type=local,dest=out"),
    ]
    assert DockerBuildOptions().to_cli_flags() == []


def test_later_flags_are_spelled_as_buildx_spells_them() -> None:
    """What is said of the image, what steps may do, and where results go."""
    options = DockerBuildOptions(
        attest=["type=provenance,mode=max"], sbom=True, provenance=False,
        annotations={"a": "b", "index,manifest[arm64]:c": "d"}, allow=["device"],
        cgroup_parent="/x", policy="disabled=true", load=True, push=True, iidfile="i",
        metadata_file="m", call="check", progress="plain", resource=["cpu-quota=5"],
    )  # fmt: skip
    assert options.to_cli_flags() == [
        *("--cpu-quota", "5", "--cgroup-parent", "/x", "--attest", "type=provenance,mode=max"),
        *("--sbom", "true", "--provenance", "false", "--annotation", "a=b"),
        *("--annotation", "index:c=d", "--annotation", "manifest[linux/arm64]:c=d"),
        *("--allow", "device", "--policy", "disabled=true", "--iidfile", "i"),
        *("--metadata-file", "m", "--call", "check", "--progress", "plain", "--load", "--push"),
    ]


def test_quiet_and_what_is_shown_exclude_each_other() -> None:
    """As with `docker buildx`."""
    with pytest.raises(BuildOptionsError, match="'quiet' and 'progress'") as caught:
        DockerBuildOptions(quiet=True, progress="plain")
    assert caught.value.option == "progress"


@pytest.mark.parametrize(
    ("options", "tells"),
    [
        ({}, True),
        ({"progress": "plain"}, True),
        ({"progress": "quiet"}, False),
        ({"progress": "none"}, False),
        ({"quiet": True, "progress": "auto"}, False),
    ],
)
def test_a_quiet_build_tells_no_steps(options: dict[str, object], tells: bool) -> None:
    """Both flags can say so."""
    assert DockerBuildOptions.from_any(options).tells_steps is tells


def test_an_annotation_is_put_in_several_places() -> None:
    """The last one of the same key and place counts."""
    options = DockerBuildOptions(annotation=["a=1", "index:a=2", "a=3"])
    assert options.annotations == (Annotation("a", "3"), Annotation("a", "2", "index"))
    assert [each.attribute for each in options.annotations] == [
        "annotation.a",
        "annotation-index.a",
    ]
    (platform,) = DockerBuildOptions(annotations="manifest-descriptor[arm64]:k=v").annotations
    assert platform.attribute == "annotation-manifest-descriptor[linux/arm64].k"


def test_an_attestation_of_its_type_may_be_a_value() -> None:
    """What a caller made, or has read before."""
    given = Attestation("provenance", (("mode", "max"),))
    options = DockerBuildOptions(provenance=given)
    assert options.provenance is given
    assert DockerBuildOptions(provenance="mode=max").provenance == given


def test_values_of_build_arguments_are_not_shown() -> None:
    """People put tokens into them."""
    options = DockerBuildOptions(buildargs={"TOKEN": "s3cret"}, target="t")
    assert repr(options) == "DockerBuildOptions(buildargs=['TOKEN'], target='t')"
    assert "s3cret" not in str(options)


def test_a_dockerfile_may_be_a_path_object() -> None:
    """`pathlib` is how people write paths."""
    assert DockerBuildOptions(dockerfile=Path("a/b")).dockerfile == "a/b"


def test_none_means_not_given() -> None:
    """The SDK's own defaults are `None`."""
    names = [name for name in DockerBuildOptions.model_fields if name != "container_limits"]
    options = DockerBuildOptions.from_any(dict.fromkeys([*names, "container_limits"]))
    assert options == DockerBuildOptions()
    assert options.to_cli_flags() == []


def test_flags_own_names_are_taken() -> None:
    """What `docker buildx build` calls an option is another name for it, never a second one."""
    options = DockerBuildOptions(
        file="d", build_arg=["A=1"], label="l", no_cache=True, network="none", add_host="h:1.1.1.1",
        shm_size="1k", secret="id=a", output="out", build_context="b=docker-image://x",
    )  # fmt: skip
    assert options.to_cli_flags() == [
        *("--file", "d", "--build-arg", "A=1", "--label", "l=", "--network", "none"),
        *("--add-host", "h:1.1.1.1", "--build-context", "b=docker-image://x"),
        *("--shm-size", "1024", "--secret", "id=a", "--output", "type=local,dest=out"),
        "--no-cache",
    ]
    with pytest.raises(BuildOptionsError, match="given twice, as 'shmsize' and as 'shm_size'"):
        DockerBuildOptions.from_any({"shmsize": 1, "shm_size": 2})


def test_a_host_may_have_several_addresses() -> None:
    """In each form: pairs, a list under the name, the values themselves."""
    both = (HostAddress("db", "10.0.0.2"), HostAddress("db", "::1"))
    for spelled in (["db=10.0.0.2", "db=[::1]"], {"db": ["10.0.0.2", "::1"]}, both):
        assert DockerBuildOptions.from_any({"extra_hosts": spelled}).extra_hosts == both


def test_a_secret_may_come_from_a_function() -> None:
    """It is called by whoever hands the secret out; no command line can have it."""
    options = DockerBuildOptions(secrets=[{"id": "tok", "get": lambda: "s3cret"}, "id=b,env=B"])
    (first, _) = options.secrets
    assert first.get is not None
    assert first.get() == "s3cret"
    with pytest.raises(BuildOptionsError, match="comes from a function"):
        options.to_cli_flags()
    with pytest.raises(ValueError, match="one of env, src and get"):
        BuildSecret("a", env="A", get=str)


def test_several_platforms_are_one_text() -> None:
    """A list and the flag's own spelling mean the same."""
    listed = DockerBuildOptions(platform=["linux/amd64", "linux/arm64"])
    assert listed == DockerBuildOptions(platform="linux/amd64,linux/arm64")
    assert DockerBuildOptions(platform=[]).platform is None


def test_ulimits_have_several_spellings() -> None:
    """The flag's, the SDK's dicts, and a mapping."""
    wanted = (Ulimit("core", -1, -1), Ulimit("nofile", 1024, 2048))
    for spelled in (
        ["core=-1", "nofile=1", "nofile=1024:2048"],
        ["nofile=1024:2048", "core=-1"],
        [{"Name": "nofile", "Soft": 1024, "Hard": 2048}, {"name": "core", "soft": -1}],
        {"nofile": "1024:2048", "core": -1},
    ):
        assert DockerBuildOptions.from_any({"ulimit": spelled}).ulimit == wanted


def test_a_cache_shows_no_token() -> None:
    """What gives access to a service is not in the repr; `str` is for a command line."""
    options = DockerBuildOptions(cache_from="type=gha,scope=x,token=s3cret")
    assert "s3cret" not in repr(options)
    assert "('scope', 'x')" in repr(options)
    assert str(options.cache_from[0]) == "type=gha,scope=x,token=s3cret"
