"""Celeris."""
