"""Hands a command over to the process that runs the double; a program of its own, on purpose small.

Usage: `relay.py SOCKET PROGRAM [ARGUMENT…]`. All input is sent, then both outputs come back.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> int:
    """Run a command over there; return its exit code."""
    path, program, *arguments = sys.argv[1:]
    data = sys.stdin.buffer.read()
    head = {
        "program": program,
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "input": len(data),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(json.dumps(head).encode() + b"\n" + data)
        with connection.makefile("rb") as answer:
            while line := answer.readline():
                kind, number = line.split()
                if kind == b"exit":
                    return int(number)
                stream = sys.stdout.buffer if kind == b"out" else sys.stderr.buffer
                stream.write(answer.read(int(number)))
                stream.flush()
    return 255


if __name__ == "__main__":
    sys.exit(main())
