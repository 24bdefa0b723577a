"""Ports from Python: where a device's frames leave and enter the process, and what may be wrapped around that.

A port is made, wrapped, and given to one device, which owns it from then on. Python sets ports up; frames never pass
through it.

===============  ====================================================================
``Port``         what all have; ``Port.mem_pair`` joins two back to back
``UdpPort``      a UDP socket
``DgramPort``    Ethernet frames in AF_UNIX datagrams, as QEMU's ``-netdev dgram``
``Faults``       wraps a port: loss, duplication, reordering, corruption, delay
``Capture``      wraps a port: a pcapng file
``Rate``         wraps a port: a token bucket
===============  ====================================================================
"""

from datapath.port.base import Owner, Port, Wrapper, wrap
from datapath.port.capture import Capture, CapturePort
from datapath.port.dgram import DgramPort
from datapath.port.fault import Direction, FaultAction, FaultPort, Faults, Rule
from datapath.port.rate import Rate, RatePort
from datapath.port.udp import UdpPort

__all__ = [
    "Capture",
    "CapturePort",
    "DgramPort",
    "Direction",
    "FaultAction",
    "FaultPort",
    "Faults",
    "Owner",
    "Port",
    "Rate",
    "RatePort",
    "Rule",
    "UdpPort",
    "Wrapper",
    "wrap",
]
