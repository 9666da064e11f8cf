"""A person of few Gaussians, on a machine of a test's own."""

from tests.app.shading.conftest import assets, avatar_file, body, few

__all__ = ["assets", "avatar_file", "body", "few"]
