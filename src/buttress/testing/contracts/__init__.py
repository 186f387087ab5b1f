"""Contracts: what every adapter of a port promises, as a test class to subclass."""
