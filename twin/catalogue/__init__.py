"""What a tube's description amounts to, and the published comparison of sources."""
