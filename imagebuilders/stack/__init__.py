"""The stack: components, their flavors, and which of them are active."""
