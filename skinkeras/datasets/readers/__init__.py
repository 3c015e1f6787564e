"""Readers of published data sets and of users' own images, a module for each source."""
