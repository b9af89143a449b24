"""The description of a tube: every parameter with unit, source and range."""
