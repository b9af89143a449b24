"""The control laws, one file each: state and arithmetic, no input or output."""
