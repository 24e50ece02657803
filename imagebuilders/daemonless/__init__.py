"""Images without a daemon: base layers stay where they are, new layers are made here.

A Dockerfile that runs no command is evaluated over file trees (`imagebuilders.evaluation`). What is
needed of a base is asked of its registry, new layers are written and uploaded, and the manifest is
put together here.
"""
