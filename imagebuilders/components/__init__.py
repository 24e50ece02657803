"""Components of a stack: what they share, and how they introduce themselves."""
