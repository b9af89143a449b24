"""The physics of the tube: one mechanism a file, each with its source (docs/physics/physics.md)."""
