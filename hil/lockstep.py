"""Old names of hil/link.py, hil/shadow.py and hil/transports.py."""

from hil.link import LinkError as PeerError
from hil.link import Peer
from hil.shadow import NAMES, Difference, Shadow
from hil.transports import SOURCE

__all__ = ["NAMES", "SOURCE", "Difference", "Peer", "PeerError", "Shadow"]
