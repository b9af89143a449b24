"""Which signal is made where on a bench: plans as data."""
