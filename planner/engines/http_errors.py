"""What can go wrong on the wire, below the outcome of a request."""

from __future__ import annotations


class ProtocolError(Exception):
    """The peer sent bytes that are not what its protocol says."""
