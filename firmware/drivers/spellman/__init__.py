"""Generators with Spellman's serial protocol."""
