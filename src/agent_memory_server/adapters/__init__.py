"""Concrete engines and providers behind the ports. Adapters see ports and domain only."""
