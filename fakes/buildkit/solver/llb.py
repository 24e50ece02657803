"""Builds without a frontend: graphs of operations (LLB), done one after the other.

The operations are those of `solver/pb/ops.proto` of https://github.com/moby/buildkit. A command is
the RUN of a Dockerfile to rules and mounts. What it writes into other mounts than its root is lost.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from imagebuilders.buildkit.proto.ops_pb2 import CACHE, SECRET, SSH, TMPFS, Op
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.difference import difference
from imagebuilders.evaluation.steps import ContextOrigin, Lines, Mount, Run
from imagebuilders.evaluation.trees import Folder, empty_folder, folder_of, merged
from imagebuilders.oci.layer import apply_layer

from .llb_files import FileActions
from .llb_sources import LOCAL
from .made import NOTHING, Made
from .progress import vertex as make_vertex
from .step_cache import DoneStep, combined, folder_key

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto import ops_pb2
    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.buildkit.proto.ops_pb2 import Definition, FileAction, Input
    from imagebuilders.evaluation.daemon import Daemon
    from imagebuilders.evaluation.steps import Origin

    from ..script import ScriptedBuild
    from .commands import RuledCommands
    from .llb_sources import Sources
    from .progress import Progress
    from .step_cache import StepCache

_SHELL = ["/bin/sh", "-c"]
_NAME = "llb.customname"
_NO_LINES = Lines(0, 0)
_KINDS = {SECRET: "secret", SSH: "ssh", CACHE: "cache", TMPFS: "tmpfs"}


class Definitions:
    """Does the operations of definitions, each once.

    Args:
        build: the build.
        sources: fetches what operations begin with.
        commands: does what commands do; its mounts take the files of inputs from `inputs`.
        progress: is told.
        cache: the operations that were done before.
        daemon: whose ways and words count.
        clock: the time of what is made.

    Attributes:
        inputs: the files of the inputs of the command that is at work, by their number.
    """

    def __init__(
        self,
        build: ScriptedBuild,
        sources: Sources,
        progress: Progress,
        cache: StepCache,
        daemon: Daemon,
        clock: Callable[[], int],
    ) -> None:
        self._build = build
        self._sources = sources
        self._progress = progress
        self._cache = cache
        self._clock = clock
        self._actions = FileActions(daemon, clock)
        self._compares = daemon.compares
        self._made: dict[str, Mapping[int, Made]] = {}
        self.commands: RuledCommands | None = None
        self.inputs: dict[str, Folder] = {}
        self.current: Vertex | None = None

    def input_tree(self, origin: Origin) -> Folder | None:
        """Return the files of an input of the command that is at work."""
        return self.inputs.get(origin.name) if isinstance(origin, ContextOrigin) else None

    def log(self, data: bytes, stream: int) -> None:
        """Tell what the command prints that is at work."""
        if self.current is not None:
            self._progress.log(self.current, data, stream=stream)

    def make(self, definition: Definition) -> Made:
        """Return what a definition leads to.

        Raises:
            EvaluationError, ImageBuilderError: an operation failed.
            CallError: the definition is malformed.
        """
        operations: dict[str, Op] = {}
        last = None
        for content in getattr(definition, "def"):  # a word of Python's
            last = _operation(content)
            operations[f"sha256:{hashlib.sha256(content).hexdigest()}"] = last
        if last is None:
            return NOTHING
        if last.WhichOneof("op") is not None or len(last.inputs) != 1:
            raise _malformed("invalid LLB with no final input")
        graph = _Graph(operations, definition)
        announced = [
            graph.vertex(digest)
            for digest, op in reversed(operations.items())
            if op.WhichOneof("op") is not None
        ]
        self._progress.announce(announced)
        return self._output(graph, last.inputs[0])

    def _output(self, graph: _Graph, wanted: Input) -> Made:
        if wanted.digest not in self._made:
            self._made[wanted.digest] = self._outputs(graph, wanted.digest)
        return self._made[wanted.digest].get(wanted.index, NOTHING)

    def _outputs(self, graph: _Graph, digest: str) -> Mapping[int, Made]:
        operation = graph.operation(digest)
        inputs = [self._output(graph, each) for each in operation.inputs]
        vertex = graph.vertex(digest)
        kind = operation.WhichOneof("op")
        if kind == "source":
            return {0: self._with_own_layer(self._fetched(operation, vertex), vertex)}
        if kind == "exec":
            return self._run(operation, inputs, vertex)
        if kind == "file":
            return self._change_files(operation, inputs, vertex)
        if kind == "merge":
            with self._progress.running(vertex):
                return {0: _merged([inputs[each.input] for each in operation.merge.inputs])}
        if kind == "diff":
            with self._progress.running(vertex):
                lower, upper = operation.diff.lower.input, operation.diff.upper.input
                return {0: self._difference(_input(inputs, lower), _input(inputs, upper), vertex)}
        raise _malformed("the BuildKit double does not know an operation of the definition")

    def _fetched(self, operation: Op, vertex: Vertex) -> Made:
        source = operation.source
        if source.identifier.startswith(LOCAL):
            self._progress.look_up(vertex)
            return self._sources.folder(source, self._progress, vertex)
        with self._progress.running(vertex):
            return self._sources.fetch(source, operation.platform)

    # --- operations -------------------------------------------------------------

    def _run(self, op: Op, inputs: Sequence[Made], vertex: Vertex) -> Mapping[int, Made]:
        meta = op.exec.meta
        args = list(meta.args)
        root = next((mount for mount in op.exec.mounts if mount.dest == "/"), None)
        below = NOTHING if root is None else _input(inputs, root.input)
        numbered = enumerate(made.tree for made in inputs)
        self.inputs = {str(number): tree for number, tree in numbered if tree is not None}
        secrets = tuple(
            Mount("secret", "", id=each.ID, env=each.name, required=not each.optional)
            for each in op.exec.secretenv
        )
        step = Run(
            lines=_NO_LINES,
            created_by=vertex.name,
            arguments=tuple(args),
            environment=tuple((name, value) for name, _, value in _pairs(meta.env)),
            user=meta.user,
            working_dir=meta.cwd or "/",
            mounts=(*map(_mount, _others(op)), *secrets),
            hostname=meta.hostname,
            command=args[2] if len(args) == 3 and args[:2] == _SHELL else shlex.join(args),
        )

        def run() -> Folder | None:
            assert self.commands is not None
            self.current = vertex
            return self.commands.run(step, below.tree or empty_folder())

        done = self._done(op, inputs, below, vertex, run)
        result = below.with_layer(done)
        numbers = {mount.output: mount for mount in op.exec.mounts if mount.output >= 0}
        return {
            number: result if mount.dest == "/" else _input(inputs, mount.input)
            for number, mount in numbers.items()
        }

    def _change_files(self, op: Op, inputs: Sequence[Made], vertex: Vertex) -> Mapping[int, Made]:
        found: dict[int, Made] = {}
        trees = [made.tree for made in inputs]
        bases = [*range(len(inputs))]
        actions = op.file.actions
        for number, action in enumerate(actions):
            base = bases[action.input] if action.input >= 0 else -1
            below = trees[action.input] if action.input >= 0 else None
            source = trees[action.secondaryInput] if action.secondaryInput >= 0 else None

            def change(
                action: FileAction = action,
                below: Folder | None = below,
                source: Folder | None = source,
            ) -> Folder:
                return self._actions.do(action, below, source)

            beginning = inputs[base] if base >= 0 else NOTHING
            if action.output < 0 and number < len(actions) - 1:
                trees.append(change())
            else:
                done = self._done(op, inputs, beginning, vertex, change, action.output)
                trees.append(done.tree)
                found[max(action.output, 0)] = beginning.with_layer(done)
            bases.append(base)
        return found

    def _with_own_layer(self, fetched: Made, vertex: Vertex) -> Made:
        """Return what was fetched with a layer: files that are no image are one."""
        if fetched.layers or fetched.tree is None:
            return fetched
        members = tuple(difference(None, fetched.tree))
        done = DoneStep("", vertex.name, members, fetched.tree, self._clock())
        return NOTHING.with_layer(done)

    def _difference(self, lower: Made, upper: Made, vertex: Vertex) -> Made:
        tree = upper.tree or empty_folder()
        members = difference(lower.tree, tree)
        alone = folder_of(apply_layer({}, members))
        done = DoneStep("", vertex.name, tuple(members), alone, self._clock())
        return NOTHING.with_layer(done)

    def _done(
        self,
        op: Op,
        inputs: Sequence[Made],
        below: Made,
        vertex: Vertex,
        perform: Callable[[], Folder | None],
        output: int = 0,
    ) -> DoneStep:
        """Do an operation, or find what it made before."""
        plain = Op()
        plain.CopyFrom(op)
        plain.ClearField("inputs")
        content = plain.SerializeToString(deterministic=True)
        key = combined("llb", content, output, [folder_key(made.tree) for made in inputs])
        known = self._cache.find(key, self._clock())
        if known is not None:
            self._progress.complete(vertex, cached=True)
            return known
        if self._build.is_cancelled:
            raise CallError(RpcStatus(Code.CANCELLED, "context canceled"))
        if not inputs:  # the key of what begins with nothing is computed apart
            self._progress.look_up(vertex)
        with self._progress.running(vertex):
            tree = perform() or empty_folder()
        members = tuple(difference(below.tree, tree, compares=self._compares))
        done = DoneStep(key, vertex.name, members, tree, self._clock())
        self._cache.keep(done)
        return done


class _Graph:
    """The operations of one definition, by digest."""

    def __init__(self, operations: Mapping[str, Op], definition: Definition) -> None:
        self._operations = operations
        self._metadata = definition.metadata

    def operation(self, digest: str) -> Op:
        if digest not in self._operations:
            raise _malformed(f"invalid missing input digest {digest}")
        return self._operations[digest]

    def vertex(self, digest: str) -> Vertex:
        """Return what the progress calls an operation, by the digest that clients know it by."""
        operation = self._operations[digest]
        name = self._metadata[digest].description.get(_NAME) if digest in self._metadata else None
        inputs = [each.digest for each in operation.inputs]
        return make_vertex(name or _title(operation), digest, inputs)


def last_vertex(definition: Definition) -> Vertex:
    """Return what the progress knows the end of a definition by; one without a name if it is empty.

    Raises:
        CallError: the definition is malformed.
    """
    operations = getattr(definition, "def")  # a word of Python's
    inputs = _operation(operations[-1]).inputs if operations else ()
    return make_vertex("", inputs[0].digest if inputs else "")


def _operation(content: bytes) -> Op:
    try:
        return Op.FromString(content)
    except DecodeError as error:
        raise _malformed("failed to parse llb proto op: unexpected EOF") from error


def _title(op: Op) -> str:
    kind = op.WhichOneof("op")
    if kind == "source":
        return op.source.identifier
    if kind == "exec":
        return " ".join(op.exec.meta.args)
    if kind == "file":
        return ", ".join(_title_of_action(action) for action in op.file.actions)
    return kind or ""


def _title_of_action(action: FileAction) -> str:
    kind = action.WhichOneof("action")
    if kind == "copy":
        return f"copy {action.copy.src} {action.copy.dest}"
    if kind == "symlink":
        return f"symlink {action.symlink.oldpath} -> {action.symlink.newpath}"
    return f"{kind} {getattr(action, kind).path}" if kind else ""


def _input(inputs: Sequence[Made], number: int) -> Made:
    return inputs[number] if 0 <= number < len(inputs) else NOTHING


def _merged(parts: Sequence[Made]) -> Made:
    tree: Folder | None = None
    for part in parts:
        if part.tree is not None:
            tree = part.tree if tree is None else merged(tree, part.tree)
    return Made(
        tree,
        tuple(layer for part in parts for layer in part.layers),
        tuple(name for part in parts for name in part.names),
    )


def _others(op: Op) -> list[ops_pb2.Mount]:
    return [mount for mount in op.exec.mounts if mount.dest != "/"]


def _mount(mount: ops_pb2.Mount) -> Mount:
    kind = _KINDS.get(mount.mountType, "bind")
    if kind == "secret":
        secret = mount.secretOpt
        return Mount(
            *(kind, mount.dest),
            id=secret.ID,
            required=not secret.optional,
            mode=secret.mode or None,
            uid=secret.uid,
            gid=secret.gid,
        )
    if kind == "ssh":
        return Mount(kind, mount.dest, id=mount.SSHOpt.ID, required=not mount.SSHOpt.optional)
    origin = ContextOrigin(str(mount.input)) if mount.input >= 0 and kind != "tmpfs" else None
    source = mount.selector or "/"
    return Mount(
        *(kind, mount.dest, origin, source), read_only=mount.readonly, id=mount.cacheOpt.ID
    )


def _pairs(texts: Sequence[str]) -> list[tuple[str, str, str]]:
    return [text.partition("=") for text in texts]


def _malformed(words: str) -> CallError:
    return CallError(RpcStatus(Code.UNKNOWN, f"failed to load LLB: {words}"))
