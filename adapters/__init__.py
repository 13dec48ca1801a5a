"""The task adaptation layer: pretrained bases, the adapters on them, their versions."""

import os

# Without this, torch's OpenMP threads wait for each other by spinning. As soon as one other process wants a core,
# the spinning takes the time that the awaited thread needs: on two busy cores a token took minutes instead of 30 ms.
# The library reads it when it is loaded, so it is set before anything can import torch. Setting it oneself wins.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
