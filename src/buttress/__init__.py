"""Buttress."""
