"""A user's own artifact store, checked by the contract that imagebuilders ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.contracts.artifact_store import ArtifactStoreContract
from imagebuilders import LocalArtifactStore


class TestTeamStore(ArtifactStoreContract):
    """Everything an artifact store must do."""

    @pytest.fixture
    def artifact_store(self, tmp_path: Path) -> LocalArtifactStore:
        """An empty store."""
        return LocalArtifactStore(path=str(tmp_path / "store"))
