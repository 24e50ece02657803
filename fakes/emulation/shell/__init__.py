"""The shells: dash, busybox's ash, and bash, as one interpreter with three dialects."""
