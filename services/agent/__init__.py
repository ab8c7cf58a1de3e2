"""What runs on a VPS: reads the machine, keeps the readings on disk and reports them to the hub.

The standard library, psutil, ``services.observation`` and ``services.host`` alone: the single
file ``agent.pyz`` is made of these (see ``archive.py``).
"""

VERSION = "0.1.0"
