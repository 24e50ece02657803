"""What daemons say through the gateway that they can do.

The names are those of `solver/pb/caps.go` and `frontend/gateway/pb/caps.go` of
https://github.com/moby/buildkit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.buildkit.proto.gateway_pb2 import APICap, PongResponse

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.worker_pb2 import WorkerRecord

    from .look import Look


def _words(text: str) -> list[str]:
    return text.split()


_OF_FRONTENDS = _words(
    """
    frontend.caps frontend.inputs gateway.evaluate gateway.exec gateway.exec.extrahosts
    gateway.exec.filesystem gateway.exec.secretenv gateway.exec.signals gateway.solve.evaluate
    gateway.solve.metadata gateway.warnings importcaches proto.refarray readdir readfile
    reference.attestations reference.output resolveimage resolveimage.resolvemode return
    returnmap solve.base solve.inlinereturn source.metaresolver
    source.metaresolver.http.checksumrequest source.metaresolver.image.attestations statfile
    """
)

_OF_DEFINITIONS = _words(
    """
    cache.azblob cache.gha cache.s3 constraints diffop exec.cgroup exec.meta.base
    exec.meta.cdi exec.meta.cgroup.parent exec.meta.linux.resources exec.meta.network
    exec.meta.network.proxy exec.meta.proxyenv exec.meta.security
    exec.meta.security.devices.v1 exec.meta.setsdefaultpath exec.meta.ulimit exec.mount.bind
    exec.mount.bind.readwrite-nooutput exec.mount.cache exec.mount.cache.content
    exec.mount.cache.sharing exec.mount.secret exec.mount.selector exec.mount.ssh
    exec.mount.tmpfs exec.mount.tmpfs.size exec.secretenv exec.validexitcode
    exporter.image.annotations exporter.image.attestations exporter.multiple exporter.session
    exporter.sourcedateepoch file.base file.copy.alwaysreplaceexistingdestpaths
    file.copy.includeexcludepatterns file.copy.requiredpaths file.rm.nofollowsymlink
    file.rm.wildcard file.symlink.create gc.freespacefilter history.filter mergeop
    meta.description meta.exportcache meta.ignorecache passthroughop platform
    soruce.http.uidgid source.buildop.llbfilename source.git source.git.bundle
    source.git.checkoutbundle source.git.checksum source.git.fetchbycommit source.git.fullurl
    source.git.httpauth source.git.keepgitdir source.git.knownsshhosts source.git.mountsshsock
    source.git.mtime source.git.signatureverify source.git.skipsubmodules source.git.subdir
    source.http source.http.auth source.http.checksum source.http.header source.http.perm
    source.http.signatureverify source.image source.image.checksum source.image.layerlimit
    source.image.resolvemode source.imageblob source.local source.local.differ
    source.local.excludepatterns source.local.followpaths source.local.includepatterns
    source.local.metadatatransfer source.local.sessionid source.local.sharedkeyhint
    source.local.unique source.ocilayout source.policy source.policy.session
    """
)

_NEW = _words(
    """
    exec.meta.linux.resources exec.meta.network.proxy file.copy.requiredpaths
    gateway.exec.filesystem passthroughop source.git.bundle source.git.checkoutbundle
    source.git.fetchbycommit source.git.mtime source.git.signatureverify
    source.http.signatureverify source.imageblob source.metaresolver.http.checksumrequest
    source.metaresolver.image.attestations source.policy.session
    """
)
"""What engines of 28.5 have not."""

_DEPRECATED = "solve.inlinereturn"
_OF_CONTENT_STORES = ("diffop", "mergeop")
_NO_STORE = "only enabled with containerd image store backend"


def pong(look: Look, worker: WorkerRecord) -> PongResponse:
    """Return what a daemon answers to a ping through the gateway.

    Args:
        look: what the daemon looks like.
        worker: its worker.
    """
    answer = PongResponse(
        FrontendAPICaps=[_capability(look, name) for name in _known(look, _OF_FRONTENDS)],
        LLBCaps=[_capability(look, name) for name in _known(look, _OF_DEFINITIONS)],
    )
    told = answer.Workers.add()
    told.CopyFrom(worker)
    told.ClearField("BuildkitVersion")
    told.ClearField("GCPolicy")
    return answer


def _known(look: Look, names: list[str]) -> list[str]:
    return [name for name in names if not look.is_engine or name not in _NEW]


def _capability(look: Look, name: str) -> APICap:
    if look.has_graph_driver and name in _OF_CONTENT_STORES:
        return APICap(ID=name, DisabledReasonMsg=_NO_STORE)
    return APICap(ID=name, Enabled=True, Deprecated=name == _DEPRECATED)
