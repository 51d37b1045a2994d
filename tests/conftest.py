"""Tests are not timed: a busy machine is no fault."""

from hypothesis import settings

settings.register_profile("untimed", parent=settings())
settings.load_profile("untimed")
