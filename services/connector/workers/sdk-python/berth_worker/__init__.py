"""What every worker for Berth has in common, whatever its WhatsApp library."""

from .sealed import Sealed
from .worker import serve

__all__ = ["Sealed", "serve"]
