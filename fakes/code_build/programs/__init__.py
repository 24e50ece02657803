"""Small programs named `docker` and `aws`, as builds in unit tests find them on their `PATH`.

A build's shell starts `relay.py`, which hands the command over to the process of the test.
"""
