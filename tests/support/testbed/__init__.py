"""Real Docker Engines and registries for the integration tests.

Everything here runs in containers of one host engine, found or started by
:mod:`testbed.daemon`. Engines are Docker-in-Docker containers, so a test can fill,
stop or break one without touching the machine.
"""
