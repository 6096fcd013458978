"""How well a network is: how far back it reaches, what it keeps, and which parts of it do nothing. No printing."""

from rnncli.diagnostics.measurements import Found, Health, examined, places

__all__ = ["Found", "Health", "examined", "places"]
