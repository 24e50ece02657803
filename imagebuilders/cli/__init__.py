"""The `imagebuilders` command."""
