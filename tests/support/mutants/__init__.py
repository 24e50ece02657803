"""Whether the unit tests notice a change of the code: mutants of a package, drawn by a seed."""
