"""gRPC over HTTP/2 over a byte stream, in both roles.

`messages` and `status` read and write what gRPC puts into HTTP/2; `http2` and `calls` are state
machines without I/O; `channel` runs them over a byte stream in one thread.
"""
