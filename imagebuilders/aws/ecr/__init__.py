"""Amazon ECR: what its hosts' names say, tokens, and repositories."""
