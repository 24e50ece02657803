"""Where archives go: the artifact stores and the upload of build contexts."""
