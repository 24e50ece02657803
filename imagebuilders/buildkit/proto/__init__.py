"""BuildKit's messages.

`nox -s proto` compiles the `.proto` files of this folder into `messages.binpb` (descriptors) and
`*_pb2.pyi` (types); both are checked in.
"""
