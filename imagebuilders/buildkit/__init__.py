"""A BuildKit client: transport, session, control; usable without the builders."""
