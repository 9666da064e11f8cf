"""The settings file: one TOML with the defaults of every option (docs/settings.md)."""
