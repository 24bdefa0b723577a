"""The main job of ``dpu-emu demo``: a file crosses from one software DPU to another by RDMA writes, once an act."""

from dpu_emu.demo.checkpoint import make_checkpoint, sha256
from dpu_emu.demo.datapath import Routed, run_router
from dpu_emu.demo.fabric import Control, Incast, run_incast
from dpu_emu.demo.transfer import Act, ActResult, node_address, run_act
from dpu_emu.demo.verbs import PROGRAM, PingPong, run_ping_pong

__all__ = [
    "PROGRAM",
    "Act",
    "ActResult",
    "Control",
    "Incast",
    "PingPong",
    "Routed",
    "make_checkpoint",
    "node_address",
    "run_act",
    "run_incast",
    "run_ping_pong",
    "run_router",
    "sha256",
]
