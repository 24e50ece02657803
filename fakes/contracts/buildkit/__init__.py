"""The scenarios of the BuildKit contract, how they are run, and what real daemons said."""
