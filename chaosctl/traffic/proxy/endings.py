"""Why: a crashed peer ends a connection with RST, not with FIN, and so must we where we play one."""

import asyncio
import socket
import struct


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST."""
    peer = transport.get_extra_info("socket")
    if peer is not None and not transport.is_closing():
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
