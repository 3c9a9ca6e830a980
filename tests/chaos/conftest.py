"""The kill runs use the small company and the undisturbed lake of the integration tier."""

from __future__ import annotations

from tests.integration.conftest import cdp, company, first_night, three_nights

__all__ = ["cdp", "company", "first_night", "three_nights"]
