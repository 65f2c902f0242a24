"""Schemas as text for agents; pure, from visible catalogs to strings that are the same for the same input."""
